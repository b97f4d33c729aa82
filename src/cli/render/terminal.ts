// The only file that knows chalk and cli-table3: lines, emphasis and tables for a terminal of some width.
import { Chalk } from 'chalk';
import CliTable from 'cli-table3';

/** Below this many columns a table becomes one block of lines per row. */
const NARROW = 60;
/** No column of a table shrinks below this. */
const LEAST = 12;

export interface Terminal {
  width: number;
  bold(text: string): string;
  dim(text: string): string;
  good(text: string): string;
  bad(text: string): string;
  warn(text: string): string;
  /** Columns that `numeric` names align right; the widest ones wrap to fit. */
  table(head: string[], rows: string[][], numeric?: number[]): string;
}

export function createTerminal(width: number, color: boolean): Terminal {
  const chalk = new Chalk({ level: color ? 1 : 0 });
  return {
    width,
    bold: (text) => chalk.bold(text),
    dim: (text) => chalk.dim(text),
    good: (text) => chalk.green(text),
    bad: (text) => chalk.red(text),
    warn: (text) => chalk.yellow(text),
    table: (head, rows, numeric = []) =>
      width < NARROW
        ? blocks(head, rows, chalk)
        : grid(
            head.map((h) => chalk.bold(h)),
            rows,
            numeric,
            width,
          ),
  };
}

/** Rows as columns, without rules: a table that also reads well in a log. */
function grid(head: string[], rows: string[][], numeric: number[], width: number): string {
  const natural = head.map((h, c) => Math.max(...[h, ...rows.map((r) => r[c] ?? '')].map(visibleLength)) + 2);
  const widths = fitted(natural, width - 2);
  const table = new CliTable({
    head,
    colWidths: widths,
    colAligns: head.map((_, c) => (numeric.includes(c) ? 'right' : 'left')),
    wordWrap: true,
    chars: NO_RULES,
    style: { head: [], border: [], 'padding-left': 0, 'padding-right': 2 },
  });
  table.push(...rows.map((row) => row.map((cell, c) => shortened(cell, widths[c] - 2))));
  const lines = table.toString().split('\n');
  return lines.map((line) => `  ${line.trimEnd()}`).join('\n');
}

/** Names differ at their ends: a word that is longer than its column loses its middle. */
function shortened(cell: string, room: number): string {
  if (visibleLength(cell) < [...cell].length) return cell;
  return cell.replace(/\S+/g, (word) => {
    const letters = [...word];
    if (letters.length <= room) return word;
    const first = Math.floor((room - 1) / 3);
    return [...letters.slice(0, first), '…', ...letters.slice(first + 1 - room)].join('');
  });
}

/** Takes columns from the widest until all fit. */
function fitted(natural: number[], width: number): number[] {
  const widths = [...natural];
  let excess = widths.reduce((sum, w) => sum + w, 0) - width;
  while (excess-- > 0) {
    const widest = Math.max(...widths);
    if (widest <= LEAST) break;
    widths[widths.lastIndexOf(widest)]--;
  }
  return widths;
}

const NO_RULES = Object.fromEntries(
  ['top', 'top-mid', 'top-left', 'top-right', 'bottom', 'bottom-mid', 'bottom-left', 'bottom-right', 'left']
    .concat(['left-mid', 'mid', 'mid-mid', 'right', 'right-mid', 'middle'])
    .map((part) => [part, '']),
);

function blocks(head: string[], rows: string[][], chalk: InstanceType<typeof Chalk>): string {
  const label = (c: number) => (head[c] ? `${head[c]}: ` : '');
  return rows
    .map(([title, ...cells]) =>
      [chalk.bold(title), ...cells.flatMap((cell, i) => (cell ? [`  ${label(i + 1)}${cell}`] : []))].join(
        '\n',
      ),
    )
    .join('\n');
}

// biome-ignore lint/suspicious/noControlCharactersInRegex: an escape sequence begins with one
const ESCAPES = /\x1b\[[0-9;]*m/g;
/** Columns that a text takes: escape sequences take none. */
export const visibleLength = (text: string): number => [...text.replace(ESCAPES, '')].length;
