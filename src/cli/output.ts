import type { Options } from './options/index.js';
import type { Terminal } from './render/terminal.js';
import { type Shell, type Sink, wantsColor, widthOf } from './shell.js';

/** The ways to print one result; a renderer is imported only when it is used. */
export interface Forms {
  json: unknown;
  markdown(): Promise<string> | string;
  /** Reports only: a page that needs nothing else. */
  html?(): Promise<string>;
  table(term: Terminal): Promise<string> | string;
}

/** Prints a result on `sink` (stdout unless it carries a model) in the form that --format asks for. */
export async function printResult(
  forms: Forms,
  options: Pick<Options, 'format'>,
  shell: Shell,
  sink: Sink = shell.stdout,
): Promise<void> {
  if (options.format === 'json') sink.write(jsonText(forms.json));
  else if (options.format === 'markdown') sink.write(`${(await forms.markdown()).trimEnd()}\n`);
  else {
    const { createTerminal } = await import('./render/terminal.js');
    const term = createTerminal(widthOf(sink, shell.env), wantsColor(sink, shell.env));
    sink.write(`${(await forms.table(term)).trimEnd()}\n`);
  }
}

/** JSON for machines: maps and typed arrays as plain objects and arrays, big integers as numbers, no NaN. */
export const jsonText = (value: unknown): string =>
  `${JSON.stringify(value, plain, 2).replace(NUMBERS, (list) => list.replace(/\s+/g, ' '))}\n`;

/** A list of plain numbers, which reads better on one line. */
const NUMBERS = /\[\s+-?[\d.e+-]+(,\s+-?[\d.e+-]+)*\s+\]/g;

function plain(_key: string, value: unknown): unknown {
  if (value instanceof Map) return Object.fromEntries(value);
  if (ArrayBuffer.isView(value) && !(value instanceof DataView)) return Array.from(value as Float64Array);
  if (typeof value === 'bigint') return Number(value);
  return value;
}

/** A table in GitHub's Markdown. */
export function markdownTable(head: string[], rows: string[][]): string {
  const line = (cells: string[]) =>
    `| ${cells.map((c) => c.replaceAll('|', '\\|').replaceAll('\n', ' ')).join(' | ')} |`;
  return [line(head), line(head.map(() => '---')), ...rows.map(line)].join('\n');
}

/** A listing of registry rows in all three forms. */
export const listing = (schema: string, head: string[], rows: string[][], data: unknown): Forms => ({
  json: { schema, ...(data as object) },
  markdown: () => markdownTable(head, rows),
  table: (term) => term.table(head, rows),
});
