import type { Target } from '../../targets/types.js';
import { isOp } from '../ir/graph.js';
import type { Model } from '../ir/model.js';
import { batchOf, withBatch } from './batch.js';
import { type ModelCost, modelCost } from './cost.js';
import { energyFigure, modelledFigures, timeFigure } from './figures.js';
import { type Lowering, lower } from './kernels.js';
import { libraryPlacement } from './library-placement.js';
import { memorySchedule, type Schedule } from './memory.js';
import { battery, chips, datacentre, type Outlook, roofline, saturation } from './outlook.js';
import { parameterNames } from './parameters.js';
import { floatPlacement, type Placement, planPlacement, qdqPlacement } from './placement.js';
import type { ReportInput } from './report.js';
import { type Shapes, shapesOf } from './shapes.js';
import { plannedBytes } from './stored.js';
import type { Report, SpeedAndPower } from './types.js';

/** Everything that is worked out once for a batch and read by the parts of the report. */
export interface Analysis {
  batch: number;
  shapes: Shapes;
  lowering: Lowering;
  parameters: Set<string>;
  float: Placement;
  quantized: Placement;
  stored(name: string): number | undefined;
}

/** @param batch samples of a run; absent: the model's own */
export function analyse({ loaded, prepared, types, target, plan }: ReportInput, batch?: number): Analysis {
  const own = shapesOf(prepared, types);
  const samples = batchOf(prepared, own);
  const shapes = withBatch(prepared, own, (batch ?? samples) / samples);
  const lowering = lower(prepared, shapes, target.fusion, target.library);
  const parameters = parameterNames(prepared);
  const carriedOut = (placement: Placement, opened: Model) =>
    target.library ? libraryPlacement(placement, lowering, shapes, target, opened) : placement;
  const float = carriedOut(floatPlacement(shapes, target, parameters), loaded.model);
  const hasCodes = prepared.graph.nodes.some((node) => isOp(node, 'DequantizeLinear'));
  const quantized = plan
    ? carriedOut(planPlacement(plan, shapes, target, parameters), prepared)
    : hasCodes
      ? carriedOut(qdqPlacement(prepared, shapes, target, lowering.root), prepared)
      : float;
  return {
    batch: batch ?? samples,
    shapes,
    lowering,
    parameters,
    float,
    quantized,
    stored: plan ? plannedBytes(plan, shapes) : () => undefined,
  };
}

/** The modelled run before and after. */
export interface ModelRun {
  cost: ModelCost;
  floatCost: ModelCost;
  memory: Schedule;
  before: SpeedAndPower;
  after: SpeedAndPower;
  rows: {
    costs: ModelCost['kernels'];
    floatCosts: ModelCost['kernels'];
    live: number[];
    figures: Pick<Outlook, 'time' | 'energy'>;
  };
}

export function modelRun(analysis: Analysis, target: Target): ModelRun {
  const { lowering, shapes, batch } = analysis;
  const run = (placement: Placement) => {
    const cost = modelCost(lowering, placement, shapes, target);
    const memory = memorySchedule(lowering, placement, shapes, target);
    return { cost, memory, figures: modelledFigures(cost, target, batch, memory) };
  };
  const [before, after] = [run(analysis.float), run(analysis.quantized)];
  return {
    cost: after.cost,
    floatCost: before.cost,
    memory: after.memory,
    before: before.figures,
    after: after.figures,
    rows: {
      costs: after.cost.kernels,
      floatCosts: before.cost.kernels,
      live: after.memory.live,
      figures: { time: timeFigure(after.cost, target), energy: energyFigure(target) },
    },
  };
}

type OutlookFields = Pick<
  Report,
  'run' | 'roofline' | 'saturation' | 'chips' | 'battery' | 'datacentre' | 'joulesPerBit'
>;

/** What follows from the run: other batches, several chips, battery or data centre. Fields that do not apply are absent. */
export function outlook(input: ReportInput, analysis: Analysis, run: ModelRun): OutlookFields {
  const { target, settings = {} } = input;
  const { time, energy } = run.rows.figures;
  const view: Outlook = { target, settings, time, energy, ...analysis, cost: run.cost, memory: run.memory };
  const fields: OutlookFields = {
    run: { batch: analysis.batch, dims: inputDims(input) },
    roofline: roofline(target),
    saturation: saturation((batch) => throughputAt(input, batch), time),
    chips: chips(view),
    battery: battery(view),
    datacentre: datacentre(view),
    joulesPerBit: joulesPerBit(input, analysis, run),
  };
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined));
}

/** Sizes that symbolic dimensions were given. */
function inputDims({ prepared, types }: ReportInput): Record<string, number> {
  const sizes: Record<string, number> = {};
  for (const { name, type } of prepared.graph.inputs)
    for (const [axis, { param }] of (type?.tensor?.shape?.dims ?? []).entries()) {
      const size = types.get(name)?.dims[axis];
      if (param) sizes[param] = typeof size === 'number' && size >= 0 ? size : 1;
    }
  return sizes;
}

function throughputAt(input: ReportInput, batch: number): number | undefined {
  const { target } = input;
  const { lowering, quantized, shapes } = analyse(input, batch);
  // The first batch counts even when it does not fit: several chips may hold it.
  if (batch > 1 && !memorySchedule(lowering, quantized, shapes, target).fits) return undefined;
  return batch / modelCost(lowering, quantized, shapes, target).seconds;
}

/** Joules of a sample that were saved, over the bits that the average parameter lost. */
function joulesPerBit(
  { target }: ReportInput,
  { batch, parameters, shapes, float, quantized }: Analysis,
  run: ModelRun,
) {
  let [count, bits] = [0, 0];
  for (const name of parameters) {
    count += shapes.count(name);
    bits += 8 * (float.constantBytes(name) - quantized.constantBytes(name));
  }
  const [before, after] = [run.floatCost.joules, run.cost.joules];
  if (count === 0 || bits <= 0 || before === undefined || after === undefined) return undefined;
  return energyFigure(target)((before - after) / batch / (bits / count), 'J/bit');
}
