import type { Target } from '../../targets/types.js';
import { isOp, opsetVersion } from '../ir/graph.js';
import type { Model } from '../ir/model.js';
import type { Plan } from '../plan/types.js';
import type { ValueMeta } from '../runtime/types.js';
import type { LatencyMetrics, Metrics } from '../verify/types.js';
import { caveats } from './caveats.js';
import { type ModelCost, modelCost } from './cost.js';
import { measuredFigures, modelledFigures } from './figures.js';
import { type Lowering, lower } from './kernels.js';
import { layerRows } from './layers.js';
import { parameterNames } from './parameters.js';
import { floatPlacement, type Placement, planPlacement, qdqPlacement } from './placement.js';
import { type Shapes, shapesOf } from './shapes.js';
import { plannedBytes } from './stored.js';
import type { Improvement, LayerRow, Report } from './types.js';

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
  /** For a measured target without metrics. */
  latency?: LatencyMetrics;
  /** Bytes of the emitted file. */
  quantizedBytes?: number;
  calibration?: Report['calibration'];
}

/** Everything that is worked out once and read by the parts of the report. */
interface Analysis {
  shapes: Shapes;
  lowering: Lowering;
  parameters: Set<string>;
  float: Placement;
  quantized: Placement;
  stored(name: string): number | undefined;
}

const NO_CALIBRATION: Report['calibration'] = { kind: 'real', source: '', samples: 0 };

/**
 * Size, speed and power of a model on a target, before and after. Pure: nothing is run here.
 * @throws QuantizeError LATENCY_MISSING (bug) for a measured target without a latency
 */
export function buildReport(input: ReportInput): Report {
  const { target, plan, loaded, metrics } = input;
  const analysis = analyse(input);
  const cost = (placement: Placement): ModelCost | undefined =>
    target.timing === 'modelled'
      ? modelCost(analysis.lowering, placement, analysis.shapes, target)
      : undefined;
  const [before, after] = [cost(analysis.float), cost(analysis.quantized)];
  const latency = metrics?.latency ?? input.latency;
  const speed = (c: ModelCost | undefined, which: 'floatMs' | 'quantizedMs') =>
    c ? modelledFigures(c, target) : measuredFigures(latency, which);
  const layers = layerRows({ ...analysis, placement: analysis.quantized, target, costs: after?.kernels });
  const quantized = speed(after, 'quantizedMs');
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
    ...(metrics && { metrics }),
    ...(input.improvements?.length && { improvements: input.improvements }),
    float: speed(before, 'floatMs'),
    quantized,
    layers,
    leftInFloat: plan?.float ?? [],
    caveats: caveats({ ...analysis, ...input, calibration, metrics, planned, quantized, rows: layers }),
  };
}

function analyse({ prepared, types, target, plan }: ReportInput): Analysis {
  const shapes = shapesOf(prepared, types);
  const lowering = lower(prepared, shapes, target.fusion);
  const parameters = parameterNames(prepared);
  const float = floatPlacement(shapes, target, parameters);
  const hasCodes = prepared.graph.nodes.some((node) => isOp(node, 'DequantizeLinear'));
  const quantized = plan
    ? planPlacement(plan, shapes, target, parameters)
    : hasCodes
      ? qdqPlacement(prepared, shapes, target, lowering.root)
      : float;
  return {
    shapes,
    lowering,
    parameters,
    float,
    quantized,
    stored: plan ? plannedBytes(plan, shapes) : () => undefined,
  };
}

const sum = <T>(items: Iterable<T>, of: (item: T) => number): number => {
  let total = 0;
  for (const item of items) total += of(item);
  return total;
};

function size(
  { loaded, quantizedBytes = loaded.bytes }: ReportInput,
  rows: readonly LayerRow[],
): Report['size'] {
  return {
    floatBytes: loaded.bytes,
    quantizedBytes,
    ratio: quantizedBytes > 0 ? loaded.bytes / quantizedBytes : 1,
    floatParameterBytes: sum(rows, (row) => row.floatBytes),
    quantizedParameterBytes: sum(rows, (row) => row.quantizedBytes),
  };
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
