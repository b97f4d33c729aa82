import { convStack, findArchitecture, gemm, type Network } from '../../fixtures/architectures/index.js';
import type { Target } from '../../targets/types.js';
import { bugError } from '../errors.js';
import { type ModelCost, modelCost } from '../report/cost.js';
import { lower } from '../report/kernels.js';
import { acrossChips } from '../report/outlook.js';
import { parameterNames } from '../report/parameters.js';
import { shapesOf } from '../report/shapes.js';
import type { PrecisionId, PublishedRow, Workload } from './types.js';
import { type Precision, uniformPlacement } from './uniform.js';

const half = { weightBits: 16, activationBits: 16 };
const eight = { weightBits: 8, activationBits: 8 };
/** Scales of groups of 128 with 4-bit codes: 16 bits each. */
const FOUR = 4 + 16 / 128;

/** `computes` absent: the chip's float format. */
const PRECISIONS: Readonly<Record<PrecisionId, Omit<Precision, 'computes'> & { computes?: string }>> = {
  float16: { computes: 'float16', ...half },
  bfloat16: { computes: 'bfloat16', ...half },
  int8: { computes: 'int8', ...eight },
  fp8: { computes: 'fp8', ...eight, cacheBits: 8 },
  'fp8-cache16': { computes: 'fp8', ...eight },
  w8: { weightBits: 8, activationBits: 16, decoded: true },
  w4: { weightBits: FOUR, activationBits: 16, decoded: true },
  w4a8: { computes: 'fp8', weightBits: FOUR, activationBits: 8, cacheBits: 8, decoded: true },
};

export const PRECISION_IDS = Object.keys(PRECISIONS);

/** What the model says of a published row, in the row's unit. Products are kernels alone, without a dispatch. */
export function predict({ workload, precision, unit }: PublishedRow, target: Target): number {
  const seconds = secondsOf(workload, PRECISIONS[precision], target);
  if (unit === 'ms') return 1e3 * seconds;
  if (unit === 'µs') return 1e6 * seconds;
  if (unit === 'TFLOPS' && workload.kind === 'product')
    return (2e-12 * workload.m * workload.n * workload.k) / seconds;
  const items =
    'batch' in workload ? workload.batch * (workload.kind === 'generation' ? workload.output : 1) : 1;
  return items / seconds;
}

type Options = (typeof PRECISIONS)[PrecisionId];

function secondsOf(workload: Workload, precision: Options, target: Target): number {
  const cost = (network: Network) => costOf(network, precision, target);
  const engine = engineSeconds(target);
  const chips = 'chips' in workload ? (workload.chips ?? 1) : 1;
  const spread = (network: Network) => acrossChips(cost(network), chips, target);
  switch (workload.kind) {
    case 'product':
      return cost(withInput(gemm(workload), precision)).kernels[0].seconds;
    case 'stack':
      return cost(convStack(workload)).seconds;
    case 'network': {
      const { id, runs = 1, ...sizes } = workload;
      return runs * cost(withInput(build(id, sizes), precision)).seconds;
    }
    case 'prompt':
      return spread(build(workload.id, { sequence: workload.input })) + engine.prompt;
    case 'generation':
      return generation(workload, spread, engine);
  }
}

/** What a serving engine adds to a step, and to the first tokens of prompts that it runs together. */
const engineSeconds = ({ overhead }: Target): { step: number; prompt: number } => ({
  step: overhead?.step?.value ?? 0,
  prompt: overhead?.prompt?.value ?? 0,
});

/** Sequences whose prompts an engine runs together. */
const PROMPTS = 8;

/** All prompts, then as many steps as tokens come out, each with the cache half grown. */
function generation(
  { id, batch, input, output }: Extract<Workload, { kind: 'generation' }>,
  seconds: (network: Network) => number,
  engine: { step: number; prompt: number },
): number {
  const together = Math.min(batch, PROMPTS);
  const prompt = seconds(build(id, { batch: together, sequence: input })) + engine.prompt;
  const past = Math.round(input + output / 2);
  const step = seconds(build(id, { batch, sequence: 1, past })) + engine.step;
  return (batch / together) * prompt + output * step;
}

function build(id: string, sizes: { batch?: number; sequence?: number; past?: number }): Network {
  const found = findArchitecture(id);
  if (!found) throw bugError('VALIDATION_ROW', `no architecture is called "${id}"`);
  // A size that is given as undefined would hide the network's own.
  const given = Object.entries(sizes).filter(([, size]) => typeof size === 'number');
  return found.build(Object.fromEntries(given));
}

/** Benchmarks hand their input over in the format that the first layer reads. */
function withInput(network: Network, { activationBits }: Options): Network {
  if (activationBits !== 8) return network;
  for (const input of network.model.graph.inputs) {
    const meta = network.types.get(input.name);
    if (meta?.dtype === 'float32') network.types.set(input.name, { ...meta, dtype: 'int8' });
  }
  return network;
}

function costOf({ model, types }: Network, precision: Options, target: Target): ModelCost {
  const shapes = shapesOf(model, types);
  const lowering = lower(model, shapes, target.fusion);
  const computes = precision.computes ?? target.floatFormat;
  const placement = uniformPlacement(lowering, shapes, target, parameterNames(model), {
    ...precision,
    computes,
  });
  return modelCost(lowering, placement, shapes, target);
}
