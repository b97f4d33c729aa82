import type { Metrics } from '../verify/types.js';
import type { DetailedReport } from './details.js';
import type { Figure, Report } from './types.js';

/** What a scheme costs and gains on a chip, against the float model there. */
export interface ComparisonRow {
  target: { id: string; name: string };
  /** "" when the model is compared as it stands. */
  scheme: string;
  /** Why the chip or the scheme cannot have this model; then there are no figures. */
  unsupported?: string;
  /** Present when samples were given. */
  loss?: Loss;
  latencyMs?: Figure;
  /** Float latency over quantized latency. */
  speedup?: number;
  watts?: Figure;
  energyMj?: Figure;
  parameterBytes?: number;
  /** Float bytes over quantized bytes of the parameters. */
  smaller?: number;
  /** No other row is both at least as fast and at least as thrifty, and better in one. */
  front: boolean;
}

export interface Loss {
  /** Points of top-1 accuracy that were lost, and their 95 % interval; absent without labels. */
  points?: number;
  interval?: [number, number];
  /** Worst output against FP32 in dB; null: equal. */
  sqnrDb: number | null;
  evidence: Metrics['evidence'];
}

/** One model on several chips under several schemes. */
export interface ReportComparison {
  schema: 'onnx-quantize/report-comparison@1';
  model: { name: string; sha256: string; parameters: number; floatParameterBytes: number; macs: number };
  rows: ComparisonRow[];
  /** The reports that the rows come from, in their order. */
  reports: Report[];
}

export interface DetailedComparison {
  comparison: ReportComparison;
  /** As `comparison.reports`, with what only a page shows. */
  details: DetailedReport[];
}

/** A combination that could not be made, and why. */
export interface Refusal {
  target: { id: string; name: string };
  scheme: string;
  reason: string;
}

/** Puts reports of one model side by side. `outcomes` must hold one report at least. */
export function compareReports(outcomes: readonly (Report | Refusal)[]): ReportComparison {
  const reports = outcomes.filter((o): o is Report => 'schema' in o);
  const [{ model, size, macs }] = reports;
  const rows = outcomes.map((o) => ('schema' in o ? rowOf(o) : refused(o)));
  const points = rows.map((row) => [row.latencyMs?.value, (row.energyMj ?? row.latencyMs)?.value]);
  for (const index of paretoFront(points)) rows[index].front = true;
  return {
    schema: 'onnx-quantize/report-comparison@1',
    model: {
      name: model.name,
      sha256: model.sha256,
      parameters: model.parameters,
      floatParameterBytes: size.floatParameterBytes,
      macs,
    },
    rows,
    reports,
  };
}

const refused = ({ target, scheme, reason }: Refusal): ComparisonRow => ({
  target,
  scheme,
  unsupported: reason,
  front: false,
});

function rowOf({ target, scheme, size, float, quantized, metrics }: Report): ComparisonRow {
  const { latencyMs, watts, energyMj } = quantized;
  return {
    target,
    scheme,
    ...(metrics && { loss: lossOf(metrics) }),
    latencyMs,
    speedup: float.latencyMs.value / latencyMs.value,
    ...(watts && { watts }),
    ...(energyMj && { energyMj }),
    parameterBytes: size.quantizedParameterBytes,
    smaller: size.floatParameterBytes / Math.max(1, size.quantizedParameterBytes),
    front: false,
  };
}

function lossOf({ top1, outputs, evidence }: Metrics): Loss {
  const known = outputs.flatMap((o) => (o.sqnrDb === null ? [] : [o.sqnrDb]));
  const sqnrDb = known.length > 0 ? Math.min(...known) : null;
  return { ...(top1 && { points: top1.drop, interval: top1.dropInterval }), sqnrDb, evidence };
}

/** Indices of the points that none other beats: less is better in every coordinate. Points that lack one are out. */
export function paretoFront(points: readonly (number | undefined)[][]): number[] {
  const known = points.flatMap((p, index) =>
    p.every((v) => v !== undefined) ? [{ p: p as number[], index }] : [],
  );
  const beats = (a: number[], b: number[]) => a.every((v, i) => v <= b[i]) && a.some((v, i) => v < b[i]);
  return known.filter(({ p }) => !known.some((other) => beats(other.p, p))).map(({ index }) => index);
}
