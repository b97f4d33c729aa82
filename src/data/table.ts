import { invalidError } from '../errors.js';
import type { TensorValue } from '../runtime/types.js';

/** An image that is decoded only when its turn comes. */
export interface ImageFile {
  image: string;
}

/** What a reader hands over for one input, before it is fitted to that input. */
export type RawValue = TensorValue | ImageFile;

/** Samples on disk: their number and names are known, their values are read one at a time. */
export interface Table {
  count: number;
  id(row: number): string;
  /** Values by input name. */
  read(row: number): Promise<Record<string, RawValue>>;
  /** Names and sizes: what identifies the data without reading it. */
  key: string[];
  /** "image", "array row": what one sample is called in messages. */
  noun: string;
  close(): Promise<void>;
}

/** One table after the other. */
export function concat(tables: Table[]): Table {
  if (tables.length === 1) return tables[0];
  const starts: number[] = [];
  let count = 0;
  for (const table of tables) {
    starts.push(count);
    count += table.count;
  }
  const find = (row: number) => {
    let low = 0;
    for (let high = tables.length - 1; low < high; ) {
      const middle = (low + high + 1) >> 1;
      if (starts[middle] <= row) low = middle;
      else high = middle - 1;
    }
    return { table: tables[low], row: row - starts[low] };
  };
  return {
    count,
    id: (i) => {
      const { table, row } = find(i);
      return table.id(row);
    },
    read: (i) => {
      const { table, row } = find(i);
      return table.read(row);
    },
    key: tables.flatMap((t) => t.key),
    noun: tables[0]?.noun ?? 'sample',
    close: () => closeAll(tables),
  };
}

/**
 * Tables of different inputs, row by row. A table of one row serves every row (a constant such as a sampling rate).
 * Throws SAMPLE_COUNT (invalid) when the numbers of rows differ.
 */
export function zip(parts: { input: string; table: Table }[]): Table {
  if (parts.length === 1) return parts[0].table;
  const main = parts.reduce((a, b) => (b.table.count > a.table.count ? b : a)).table;
  for (const { input, table } of parts)
    if (table.count !== main.count && table.count !== 1)
      throw invalidError(
        'SAMPLE_COUNT',
        `input "${input}" has ${table.count} samples where another input has ${main.count}`,
        { hint: 'Give every input the same number of samples, or one sample that serves all.' },
      );
  return {
    ...main,
    read: async (row) => {
      const values = await Promise.all(parts.map(({ table }) => table.read(table.count === 1 ? 0 : row)));
      return Object.assign({}, ...values);
    },
    key: parts.flatMap(({ input, table }) => [input, ...table.key]),
    close: () => closeAll(parts.map((p) => p.table)),
  };
}

async function closeAll(tables: Table[]): Promise<void> {
  for (const table of tables) await table.close();
}
