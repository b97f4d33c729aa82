import type { Bound, LayerRow } from './types.js';
import { byteText, digits, percent } from './units.js';

/** Kernels of one operator type together: what profilers print first. */
export interface OperatorRow {
  opType: string;
  count: number;
  /** Sum over the kernels, which run one behind another. */
  microseconds: number;
  /** Share (0…1) of the time of all kernels. */
  share: number;
  operations: number;
  bytes: number;
  parameterBytes: number;
  /** What binds most of the time. */
  bound: Bound;
}

/** One row an operator type, the longest first; empty when no time is modelled. */
export function operatorBreakdown(layers: readonly LayerRow[]): OperatorRow[] {
  const groups = new Map<string, LayerRow[]>();
  for (const row of layers) {
    if (!row.timeUs) continue;
    const rows = groups.get(row.opType);
    if (rows) rows.push(row);
    else groups.set(row.opType, [row]);
  }
  const all = layers.reduce((sum, row) => sum + (row.timeUs?.value ?? 0), 0);
  return [...groups]
    .map(([opType, rows]) => operatorRow(opType, rows, all))
    .sort((a, b) => b.microseconds - a.microseconds);
}

function operatorRow(opType: string, rows: readonly LayerRow[], all: number): OperatorRow {
  const total = (of: (row: LayerRow) => number | undefined) =>
    rows.reduce((sum, row) => sum + (of(row) ?? 0), 0);
  const microseconds = total((row) => row.timeUs?.value);
  return {
    opType,
    count: rows.length,
    microseconds,
    share: all > 0 ? microseconds / all : 0,
    operations: total((row) => row.operations),
    bytes: total((row) => row.bytes),
    parameterBytes: total((row) => row.quantizedBytes),
    bound: longestBound(rows),
  };
}

function longestBound(rows: readonly LayerRow[]): Bound {
  const time: Record<Bound, number> = { compute: 0, memory: 0, overhead: 0 };
  for (const { bound = 'overhead', timeUs } of rows) time[bound] += timeUs?.value ?? 0;
  const order: Bound[] = ['compute', 'memory', 'overhead'];
  return order.reduce((a, b) => (time[b] > time[a] ? b : a));
}

/** Operators that leave the chip, with the reason. */
export const fallbacks = (layers: readonly LayerRow[]): LayerRow[] =>
  layers.filter((row) => row.runsOn !== undefined);

/** A table of texts, and which columns align right. */
export interface TextTable {
  head: string[];
  rows: string[][];
  numeric: number[];
}

/**
 * The breakdown as the profilers of chips print it, with the sum of all kernels below. A static estimate: kernels are
 * timed one behind another. Times in µs. Empty when no time is modelled.
 */
export function operatorTable(layers: readonly LayerRow[]): TextTable {
  const operators = operatorBreakdown(layers);
  const head = ['operator', 'kernels', 'each', 'time', 'share', 'GOP', 'GB/s', 'weights', 'bound by'];
  const rows = operators.length < 2 ? operators : [...operators, sumOf(operators)];
  return { head, rows: rows.map(operatorTexts), numeric: [1, 2, 3, 4, 5, 6, 7] };
}

const operatorTexts = (row: OperatorRow): string[] => [
  row.opType,
  String(row.count),
  digits(row.microseconds / row.count),
  digits(row.microseconds),
  percent(row.share),
  digits(row.operations / 1e9),
  row.microseconds > 0 ? digits(row.bytes / row.microseconds / 1e3) : '',
  byteText(row.parameterBytes),
  row.bound,
];

function sumOf(rows: readonly OperatorRow[]): OperatorRow {
  const total = (of: (row: OperatorRow) => number) => rows.reduce((sum, row) => sum + of(row), 0);
  return {
    opType: 'all',
    count: total((r) => r.count),
    microseconds: total((r) => r.microseconds),
    share: total((r) => r.share),
    operations: total((r) => r.operations),
    bytes: total((r) => r.bytes),
    parameterBytes: total((r) => r.parameterBytes),
    bound: rows[0].bound,
  };
}
