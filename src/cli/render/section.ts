import { markdownTable } from '../output.js';
import type { Terminal } from './terminal.js';

/** A titled table, which a view shows on a terminal or as Markdown. */
export interface Section {
  title: string;
  head: string[];
  rows: string[][];
  /** Columns that align right. */
  numeric?: number[];
  /** Rows that show without --verbose; all of them when absent. */
  brief?: number;
}

/** Without the columns that no row fills. */
export function filled({ head, rows, numeric = [], ...rest }: Section): Section {
  const columns = head.flatMap((_, c) => (rows.some((row) => row[c]) ? [c] : []));
  const those = (cells: string[]) => columns.map((c) => cells[c]);
  const right = numeric.map((c) => columns.indexOf(c)).filter((c) => c >= 0);
  return { ...rest, head: those(head), rows: rows.map(those), numeric: right };
}

export function renderSection(section: Section, term: Terminal, verbose: boolean): string {
  const { title, head, rows, numeric, brief = rows.length } = section;
  if (rows.length === 0) return '';
  const shown = verbose ? rows : rows.slice(0, brief);
  const rest = rows.length - shown.length;
  return [
    term.bold(title),
    ...(shown.length > 0 ? [term.table(head, shown, numeric)] : []),
    ...(rest > 0
      ? [term.dim(shown.length > 0 ? `  … and ${rest} more; --verbose shows all` : '  --verbose lists them')]
      : []),
  ].join('\n');
}

export const markdownSection = ({ title, head, rows }: Section): string =>
  rows.length === 0 ? '' : `## ${title}\n\n${markdownTable(head, rows)}`;

/** Parts that have something to say, with an empty line between them. */
export const paragraphs = (parts: (string | undefined)[]): string => parts.filter(Boolean).join('\n\n');
