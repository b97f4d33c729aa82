import type { Target } from '../../targets/types.js';
import { isOp, opsetVersion } from '../ir/graph.js';
import type { Model } from '../ir/model.js';
import type { Plan } from '../plan/types.js';
import type { ValueMeta } from '../runtime/types.js';
import type { Front } from '../sensitivity/types.js';
import type { LatencyMetrics, Metrics } from '../verify/types.js';
import { type Analysis, analyse, modelRun, outlook } from './analysis.js';
import { caveats } from './caveats.js';
import { measuredFigures } from './figures.js';
import { layerRows } from './layers.js';
import type { Settings } from './outlook.js';
import type { Improvement, LayerRow, Loss, Report, SensitivityRow, Training } from './types.js';

export interface ReportInput {
  /** As the user gave it: a path. */
  name: string;
  /** The input file: its model, hash and bytes with external data. */
  loaded: { model: Model; sha256: string; bytes: number };
  /** What the plan speaks of; names in the plan are names in here. */
  prepared: Model;
  types: ReadonlyMap<string, ValueMeta>;
  target: Target;
  /** Absent: the model is reported as it stands, float or with Q/DQ pairs. */
  plan?: Plan;
  metrics?: Metrics;
  improvements?: Improvement[];
  losses?: Loss[];
  sensitivity?: SensitivityRow[];
  front?: Front;
  training?: Training;
  /** For a measured target without metrics. */
  latency?: LatencyMetrics;
  /** Bytes of the emitted file. */
  quantizedBytes?: number;
  /** Of the quantized weights alone, packed as a chip stores them. */
  packed?: { bytes: number; bitsPerWeight: number };
  calibration?: Report['calibration'];
  settings?: Settings;
}

const NO_CALIBRATION: Report['calibration'] = { kind: 'real', source: '', samples: 0 };

/**
 * Size, speed and power of a model on a target, before and after. Pure: nothing is run here.
 * @throws QuantizeError LATENCY_MISSING (bug) for a measured target without a latency
 */
export function buildReport(input: ReportInput): Report {
  const { target, plan, loaded, metrics } = input;
  const analysis = analyse(input, input.settings?.batch);
  const run = target.timing === 'modelled' ? modelRun(analysis, target) : undefined;
  const latency = metrics?.latency ?? input.latency;
  const layers = layerRows({ ...analysis, placement: analysis.quantized, target, ...run?.rows });
  const quantized = run?.after ?? measuredFigures(latency, 'quantizedMs');
  const calibration = input.calibration ?? NO_CALIBRATION;
  const planned = plan !== undefined;
  return {
    schema: 'onnx-quantize/report@1',
    model: {
      name: input.name,
      sha256: loaded.sha256,
      opset: opsetVersion(loaded.model),
      nodes: loaded.model.graph.nodes.length,
      parameters: sum(analysis.parameters, analysis.shapes.count),
    },
    target: { id: target.id, name: target.name },
    scheme: plan?.scheme ?? '',
    method: plan?.method ?? '',
    calibration,
    size: size(input, layers),
    macs: sum(layers, (row) => row.macs),
    coverage: coverage(analysis, layers, target),
    ...conversions(input),
    ...(metrics && { metrics }),
    ...(input.sensitivity && { sensitivity: input.sensitivity }),
    ...(input.front && { front: input.front }),
    ...(input.improvements?.length && { improvements: input.improvements }),
    ...(input.losses?.length && { losses: input.losses }),
    ...(input.training && { training: input.training }),
    float: run?.before ?? measuredFigures(latency, 'floatMs'),
    quantized,
    ...(run && outlook(input, analysis, run)),
    layers,
    leftInFloat: plan?.float ?? [],
    caveats: caveats({ ...analysis, ...input, calibration, metrics, planned, quantized, rows: layers }),
  };
}

function size(
  { loaded, quantizedBytes, plan, packed }: ReportInput,
  rows: readonly LayerRow[],
): Report['size'] {
  const floatParameterBytes = sum(rows, (row) => row.floatBytes);
  const quantizedParameterBytes = sum(rows, (row) => row.quantizedBytes);
  const estimated = plan !== undefined && quantizedBytes === undefined;
  // A file without its weights beside it is smaller than they are.
  const rest = Math.max(0, loaded.bytes - floatParameterBytes);
  const after = quantizedBytes ?? (estimated ? rest + quantizedParameterBytes : loaded.bytes);
  return {
    floatBytes: loaded.bytes,
    quantizedBytes: after,
    ratio: after > 0 ? loaded.bytes / after : 1,
    floatParameterBytes,
    quantizedParameterBytes,
    ...(packed && { packedBytes: packed.bytes, bitsPerWeight: packed.bitsPerWeight }),
    ...(estimated && { estimated }),
  };
}

const sum = <T>(items: Iterable<T>, of: (item: T) => number): number => {
  let total = 0;
  for (const item of items) total += of(item);
  return total;
};

/** Q and DQ of activations: those that the plan puts in, or those of a model that is reported as it stands. */
function conversions({ plan, prepared: { graph } }: ReportInput): Pick<Report, 'conversions'> {
  const constants = new Set(graph.initializers.map((t) => t.name ?? ''));
  const count = (opType: string) =>
    graph.nodes.filter((n) => isOp(n, opType) && !constants.has(n.inputs[0])).length;
  const planned = plan?.activations.length;
  const [quantize, dequantize] = [planned ?? count('QuantizeLinear'), planned ?? count('DequantizeLinear')];
  return quantize + dequantize > 0 ? { conversions: { quantize, dequantize } } : {};
}

function coverage({ shapes, parameters, stored }: Analysis, rows: readonly LayerRow[], target: Target) {
  const isCode = (name: string) =>
    stored(name) !== undefined || (shapes.dtype(name)?.includes('int') ?? false);
  const all = sum(parameters, shapes.count);
  const macs = sum(rows, (row) => row.macs);
  const integer = sum(rows, (row) => (row.computes === target.floatFormat ? 0 : row.macs));
  return {
    parameters: all === 0 ? 0 : sum(parameters, (name) => (isCode(name) ? shapes.count(name) : 0)) / all,
    macs: macs === 0 ? 0 : integer / macs,
  };
}
