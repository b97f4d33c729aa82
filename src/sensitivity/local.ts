import type { SampleSource } from '../data/types.js';
import { QuantizeError } from '../errors.js';
import { cloneModel, cloneNode, makeAttribute, makeNode, nameAllocator, usedNames } from '../ir/graph.js';
import type { Model } from '../ir/model.js';
import type { WeightPlan } from '../plan/types.js';
import { openModel } from '../runtime/index.js';
import type { TensorValue } from '../runtime/types.js';
import { constantValue, inputOf, PROBE_LEVEL } from './probe.js';

/** The error of a layer at its own output settles with few samples. */
const SAMPLES = 4;

/** Signal and noise power at the output of a layer. */
export interface LocalError {
  signal: number;
  noise: number;
}

interface Watched {
  plan: WeightPlan;
  input: string;
  value: TensorValue;
  signal: string;
  noise: string;
}

/**
 * What each layer's own output loses when its weight has other values and all else is float: Σ(f(x, Ŵ) − f(x, W))², and
 * Σ f(x, W)² beside it. All layers in one run, the sums in the graph.
 * @param variants values of all weights, once for each candidate
 * @returns for each variant the errors by plan; weights inside If, Loop and Scan bodies are missing
 * @throws QuantizeError RUN_FAILED (invalid), INTERRUPTED
 */
export async function localErrors(
  model: Model,
  plans: readonly WeightPlan[],
  source: SampleSource,
  variants: readonly ReadonlyMap<WeightPlan, Float32Array>[],
  { threads, signal }: { threads?: number; signal?: AbortSignal },
): Promise<Map<WeightPlan, LocalError>[]> {
  const { model: watched, layers } = watch(model, plans);
  const errors = variants.map(() => new Map(layers.map(({ plan }) => [plan, { signal: 0, noise: 0 }])));
  if (layers.length === 0) return errors;
  const session = await openModel(watched, { threads, optimize: PROBE_LEVEL });
  try {
    let samples = 0;
    for await (const { feeds } of source.samples()) {
      for (const [v, variant] of variants.entries()) {
        if (signal?.aborted) throw new QuantizeError('interrupted', 'INTERRUPTED', 'stopped as asked');
        const tried = layers.map(({ plan, input, value }) => {
          const data = variant.get(plan) ?? value.data;
          return [input, { ...value, data }] as const;
        });
        const sums = await session.run({ ...feeds, ...Object.fromEntries(tried) });
        for (const layer of layers) {
          const error = errors[v].get(layer.plan)!;
          error.signal += (sums[layer.signal].data as Float32Array)[0];
          error.noise += (sums[layer.noise].data as Float32Array)[0];
        }
      }
      if (++samples === SAMPLES) break;
    }
  } finally {
    await session.release();
  }
  return errors;
}

/** The float model with a second copy of each layer, whose weight is an input; the sums are its only outputs. */
function watch(model: Model, plans: readonly WeightPlan[]): { model: Model; layers: Watched[] } {
  const copy = cloneModel(model);
  const { graph } = copy;
  const fresh = nameAllocator(usedNames(graph));
  const nodes = new Map(graph.nodes.map((n) => [n.name ?? '', n]));
  const constants = new Map(graph.initializers.map((t) => [t.name ?? '', t]));
  graph.outputs = [];
  const total = (value: string): string => {
    const output = fresh(`${value}_power`);
    graph.nodes.push(makeNode('ReduceSumSquare', [value], [output], [makeAttribute.int('keepdims', 0)]));
    graph.outputs.push({ name: output });
    return output;
  };
  const layers = plans.flatMap((plan): Watched[] => {
    const [use] = plan.uses;
    const node = nodes.get(use.node);
    const tensor = constants.get(plan.tensor);
    if (!node || !tensor || node.inputs[use.input] !== plan.tensor) return [];
    const [input, output, error] = ['tried', 'output', 'error'].map((p) => fresh(`${plan.tensor}_${p}`));
    graph.inputs.push(inputOf(input, 'float32', tensor.dims));
    const twin = { ...cloneNode(node), name: fresh(`${use.node}_tried`), outputs: [output] };
    twin.inputs[use.input] = input;
    graph.nodes.push(twin, makeNode('Sub', [output, node.outputs[0]], [error]));
    const value = constantValue(tensor);
    return [{ plan, input, value, signal: total(node.outputs[0]), noise: total(error) }];
  });
  return { model: copy, layers };
}
