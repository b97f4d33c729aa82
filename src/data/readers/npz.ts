import { invalidError, nearestNames } from '../../errors.js';
import { arrayTable } from '../arrays.js';
import { LazyRanges } from '../lazy.js';
import { openNpy, type StoredArray } from '../npy.js';
import { concat, type Table, zip } from '../table.js';
import { openZip } from '../zip.js';
import { list } from './single.js';
import type { Reader, ReadRequest, SampleFile } from './types.js';

export const npz: Reader = {
  id: 'npz',
  description:
    'NumPy archives (.npz): one array for each input, keyed by its name or in the order arr_0, arr_1, …',
  accepts: (name) => name.endsWith('.npz'),
  async open(files, request) {
    const lazy = new LazyRanges();
    const tables: Table[] = [];
    for (const file of files) tables.push(await openOne(file, request, lazy));
    return concat(tables);
  },
};

async function openOne({ path, label }: SampleFile, request: ReadRequest, lazy: LazyRanges): Promise<Table> {
  const arrays = new Map<string, StoredArray>();
  for (const { name, bytes } of await openZip(path, label, lazy))
    if (name.endsWith('.npy'))
      arrays.set(name.slice(0, -4), await openNpy(bytes, `${label}:${name.slice(0, -4)}`));
  const keys = matchKeys([...arrays.keys()], request, label);
  return zip(
    request.inputs.map((input, i) => ({
      input: input.name,
      table: arrayTable(arrays.get(keys[i])!, input, arrays.size === 1 ? label : `${label}:${keys[i]}`),
    })),
  );
}

/** The archive's key for each input: its name, else positions arr_0, arr_1, …, else the only array for the only input. */
function matchKeys(keys: string[], { inputs }: ReadRequest, label: string): string[] {
  const names = inputs.map((input) => input.name);
  if (names.every((name) => keys.includes(name))) return names;
  const positions = names.map((_, i) => `arr_${i}`);
  if (keys.length === names.length && positions.every((name) => keys.includes(name))) return positions;
  if (keys.length === 1 && names.length === 1) return keys;
  const missing = names.filter((name) => !keys.includes(name));
  const near = missing.flatMap((name) => nearestNames(name, keys, 1));
  throw invalidError(
    'SAMPLE_KEYS',
    `"${label}" has no array for ${list(missing)}; its arrays are ${list(keys) || 'none'}`,
    {
      where: { file: label, tensor: missing[0] },
      hint:
        near.length > 0 ? `Did you mean ${list(near)}?` : `Name the arrays after the inputs: ${list(names)}.`,
    },
  );
}
