import type { SampleSource } from '../data/types.js';
import {
  cloneModel,
  type Links,
  links,
  makeAttribute,
  makeNode,
  nameAllocator,
  usedNames,
} from '../ir/graph.js';
import { linearLayout } from '../ir/layout.js';
import type { Model, Node } from '../ir/model.js';
import type { ActivationPlan } from '../plan/types.js';
import { openModel } from '../runtime/index.js';
import { addView } from './probe.js';

/** The error of a range settles long before the range itself. */
const MAX_SAMPLES = 4;

/**
 * What rounding an activation to each of several grids costs those who read it: the mean over samples of
 * Σ (f(x̂) − f(x))², summed over the linear operators f with constant weights that read it, which is Σ (W·(x̂ − x))²
 * without their biases; of Σ (x̂ − x)² itself where there are none.
 * @param candidates grids to try for each tensor
 * @returns for each tensor one error a candidate
 */
export async function outputErrors(
  model: Model,
  candidates: ReadonlyMap<string, readonly ActivationPlan[]>,
  source: SampleSource,
  options: { threads?: number } = {},
): Promise<Map<string, number[]>> {
  const { model: probe, sums } = probeModel(model, candidates);
  const errors = new Map([...candidates].map(([tensor, grids]) => [tensor, grids.map(() => 0)]));
  const session = await openModel(probe, { threads: options.threads });
  try {
    let samples = 0;
    for await (const { feeds } of source.samples((index) => index < MAX_SAMPLES)) {
      const values = await session.run(feeds);
      for (const { tensor, candidate, output } of sums)
        errors.get(tensor)![candidate] += (values[output].data as Float32Array)[0];
      if (++samples === MAX_SAMPLES) break;
    }
    for (const sums of errors.values()) for (let i = 0; i < sums.length; i++) sums[i] /= samples;
  } finally {
    await session.release();
  }
  return errors;
}

interface Sum {
  tensor: string;
  candidate: number;
  output: string;
}

/** The float model with one number for each candidate and reader as its outputs. */
function probeModel(model: Model, candidates: ReadonlyMap<string, readonly ActivationPlan[]>) {
  const copy = cloneModel(model);
  const { graph } = copy;
  const l = links(graph);
  const fresh = nameAllocator(usedNames(graph));
  graph.outputs = [];
  const add = (opType: string, inputs: string[], wanted: string, like?: Node): string => {
    const output = fresh(wanted);
    graph.nodes.push(makeNode(opType, inputs, [output], like?.attributes ?? []));
    return output;
  };
  const total = (value: string, wanted: string): string => {
    const output = fresh(wanted);
    graph.nodes.push(makeNode('ReduceSumSquare', [value], [output], [makeAttribute.int('keepdims', 0)]));
    graph.outputs.push({ name: output });
    return output;
  };
  const sums: Sum[] = [];
  for (const [tensor, grids] of candidates)
    grids.forEach((grid, candidate) => {
      const error = add('Sub', [addView(graph, grid, fresh), tensor], `${tensor}_try_error`);
      const readers = linearReaders(tensor, l);
      for (const node of readers) {
        const made = add(node.opType, [error, node.inputs[1]], `${tensor}_try_output`, node);
        sums.push({ tensor, candidate, output: total(made, `${tensor}_try_sum`) });
      }
      if (readers.length === 0) sums.push({ tensor, candidate, output: total(error, `${tensor}_try_sum`) });
    });
  return { model: copy, sums };
}

/** Operators that multiply the value, as their first input, with a constant weight. */
const linearReaders = (tensor: string, { uses, initializer }: Links): Node[] =>
  (uses.get(tensor) ?? [])
    .filter(({ node, input }) => {
      const weight = initializer.get(node.inputs[1]);
      return input === 0 && weight && linearLayout(node, weight.dims);
    })
    .map(({ node }) => node);
