import { html, type Markup } from './markup.js';

export interface Cell {
  text: string | Markup;
  /** What the column sorts by; a number aligns right. */
  value?: number;
}

export interface Column {
  head: string;
  numeric?: true;
  /** Not broken over lines. */
  whole?: true;
}

/** A table without the columns that are empty in every row; with `id` it can be searched, and every head sorts. `stacked`: on narrow screens a row becomes a block. */
export function table(
  allColumns: readonly Column[],
  allRows: readonly (Cell | string)[][],
  id?: string,
  stacked = false,
): Markup {
  const kept = allColumns.map((_, i) => i).filter((i) => allRows.some((row) => !isEmpty(row[i])));
  const columns = kept.map((i) => allColumns[i]);
  const rows = allRows.map((row) => kept.map((i) => row[i]));
  const body = rows.map(
    (cells) => html`<tr>${cells.map((cell, i) => cellOf(cell, columns[i], i, stacked))}</tr>\n`,
  );
  const head = columns.map(
    ({ head, numeric }) =>
      html`<th${attribute('class', numeric && 'n')}${id !== undefined && html` data-sort`}>${head}</th>`,
  );
  const box =
    id !== undefined &&
    html`<input type="search" data-table="${id}" placeholder="search ${rows.length} rows" aria-label="search">`;
  return html`${box}<div class="${id ? 'scroll tall' : 'scroll'}"><table${attribute('id', id)}${attribute('class', stacked && 'stack')}><thead><tr>${head}</tr></thead><tbody>
${body}</tbody></table></div>`;
}

const isEmpty = (cell: Cell | string): boolean => (typeof cell === 'string' ? cell : cell.text) === '';

function cellOf(
  cell: Cell | string,
  { head, numeric, whole }: Column,
  index: number,
  stacked: boolean,
): Markup {
  const { text, value } = typeof cell === 'string' ? { text: cell, value: undefined } : cell;
  const kind = numeric ? 'n' : whole ? 'whole' : index === 0 ? 'name' : undefined;
  return html`<td${attribute('class', kind)}${attribute('data-h', stacked && index > 0 && head)}${attribute('data-v', value?.toString())}>${text}</td>`;
}

const attribute = (name: string, value: string | false | undefined): Markup | undefined =>
  value ? html` ${name}="${value}"` : undefined;
