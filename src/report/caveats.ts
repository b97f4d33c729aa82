import type { Target } from '../../targets/types.js';
import { allNodes, subgraphs } from '../ir/graph.js';
import type { Model } from '../ir/model.js';
import type { Metrics } from '../verify/types.js';
import { kindOf } from './figures.js';
import type { Lowering } from './kernels.js';
import { macRule } from './macs.js';
import type { Shapes } from './shapes.js';
import type { LayerRow, Report, SpeedAndPower } from './types.js';

export interface CaveatInput {
  prepared: Model;
  shapes: Shapes;
  lowering: Lowering;
  target: Target;
  calibration: Report['calibration'];
  metrics?: Metrics;
  /** False when the model is reported as it stands. */
  planned: boolean;
  quantized: SpeedAndPower;
  rows: readonly LayerRow[];
}

/** The sentences that must stand beside the figures. Those about evidence come first. */
export const caveats = (input: CaveatInput): string[] => [
  ...aboutEvidence(input),
  ...aboutOutputs(input.metrics),
  ...aboutCounting(input),
  ...aboutChip(input),
  ...input.target.caveats,
];

function aboutEvidence({ planned, calibration, metrics }: CaveatInput): string[] {
  const sentences: string[] = [];
  if (planned && calibration.kind === 'synthetic')
    sentences.push('synthetic calibration: no evidence about accuracy');
  if (metrics?.evidence === 'synthetic')
    sentences.push('compared on synthetic inputs: no evidence about accuracy');
  if (metrics?.evidence === 'calibration')
    sentences.push('compared on the calibration samples: new data may fare worse');
  return sentences;
}

function aboutOutputs(metrics: Metrics | undefined): string[] {
  return (metrics?.outputs ?? []).flatMap(({ output, nonFinite }) => {
    const sentences: string[] = [];
    if (nonFinite?.float)
      sentences.push(`the float model itself gives NaN or infinite values in "${output}"`);
    if (nonFinite?.quantized)
      sentences.push(
        `the quantized model gives NaN or infinite values in "${output}" where the float model has none`,
      );
    return sentences;
  });
}

function aboutCounting({ shapes, prepared, lowering }: CaveatInput): string[] {
  const sentences: string[] = [];
  if (shapes.assumed.size > 0) {
    const names = [...shapes.assumed].slice(0, 5).join(', ');
    sentences.push(`dynamic dimensions (${names}) count as 1 in MACs, time and energy`);
  }
  const inside = prepared.graph.nodes
    .flatMap(subgraphs)
    .flatMap((graph) => [...allNodes(graph)])
    .filter(macRule).length;
  if (inside > 0)
    sentences.push(
      `${inside} nodes inside If, Loop or Scan bodies are in no MACs, time or energy: runs are not known`,
    );
  const unknown = lowering.kernels.filter((k) => k.macs === 0 && macRule(k.anchor)).length;
  if (unknown > 0) sentences.push(`the shapes of ${unknown} layers are not known; their MACs count as 0`);
  return sentences;
}

function aboutChip({ target, quantized, rows, metrics, planned }: CaveatInput): string[] {
  const sentences: string[] = [];
  if (target.timing === 'modelled' && target.floatFormat !== 'float32')
    sentences.push(
      `the float model is taken in ${target.floatFormat} on ${target.name}, which is what it computes in`,
    );
  const kind = kindOf(
    rows.map(({ opType, computes, macs }) => ({
      convolution: opType.includes('Conv'),
      format: computes,
      macs,
    })),
  );
  if (target.timing === 'modelled' && kind && !target.errorBand?.kinds?.[kind])
    sentences.push(`no published measurement of ${kind} validates the latency on ${target.name}`);
  const bytes = rows.reduce((sum, row) => sum + row.quantizedBytes, 0);
  if (target.memory && bytes > target.memory.bytes.value)
    sentences.push(`the quantized parameters do not fit the memory of ${target.name}`);
  const limit = target.power?.peak.value ?? Number.POSITIVE_INFINITY;
  if ((quantized.watts?.value ?? 0) > limit)
    sentences.push(
      `back-to-back runs would draw more than the ${limit} W that ${target.name} sustains; it would slow down`,
    );
  const { floatMs = 0, quantizedMs = 0 } = target.timing === 'measured' ? (metrics?.latency ?? {}) : {};
  if (quantizedMs > floatMs)
    sentences.push('the quantized model is slower than the float one on this machine');
  return [...sentences, ...aboutSlowing(rows, target, planned)];
}

/** Microseconds: what a layer must lose to be named, and how many are. */
const NAMED = { least: 1, count: 3 };

/** Where a library of kernels is slower on codes than on floats, and what to do about it. */
function aboutSlowing(rows: readonly LayerRow[], { library, name }: Target, planned: boolean): string[] {
  if (!library || !planned) return [];
  const lost = rows
    .map((row) => ({ node: row.node, us: (row.timeUs?.value ?? 0) - (row.floatTimeUs?.value ?? 0) }))
    .filter((row) => row.us > NAMED.least)
    .sort((a, b) => b.us - a.us);
  const change = rows.reduce((sum, row) => sum + (row.timeUs?.value ?? 0) - (row.floatTimeUs?.value ?? 0), 0);
  if (change <= 0 || lost.length === 0) return [];
  const named = lost.slice(0, NAMED.count);
  const options = named.map((row) => `--keep-float "${row.node}"`).join(' ');
  const total = lost.reduce((sum, row) => sum + row.us, 0);
  return [
    `the quantized model is predicted to be slower than the float one on ${name}: ${lost.length} layers lose ` +
      `${total.toPrecision(3)} µs together, most of it in ${named.map((row) => row.node).join(', ')}; ` +
      `try ${options}`,
  ];
}
