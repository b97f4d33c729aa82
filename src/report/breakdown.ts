import type { Bound, LayerRow } from './types.js';

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
