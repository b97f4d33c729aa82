import { elementOf } from '../../kernels/grid.js';
import { dequantize } from '../../kernels/quantize.js';
import { emitQdq } from '../../src/emit/index.js';
import { allGraphs, cloneModel, makeAttribute, makeNode } from '../../src/ir/graph.js';
import type { Model } from '../../src/ir/model.js';
import { floatTensor } from '../../src/ir/tensor.js';
import { makePlan, parseScheme, requiredOpset, type Writing } from '../../src/plan/index.js';
import { prepare } from '../../src/prepare/index.js';
import { type Numbers, quantizeNumbers } from '../../src/quantize/index.js';
import { openModel } from '../../src/runtime/index.js';
import type { SessionOptions } from '../../src/runtime/types.js';
import { findTarget } from '../../targets/index.js';
import { input, network } from '../plan/cases.js';
import { random, seeded, value } from '../prepare/helpers.js';

export const target = findTarget('cpu')!;

/** Every operator that holds weights, with rows that no block divides. */
export function everyWeight(): Model {
  const model = network({
    inputs: { x: [1, 5, 6, 6], i: [2] },
    outputs: ['y', 'e'],
    nodes: [
      makeNode('Conv', ['x', 'k'], ['c']),
      makeNode('ConvTranspose', ['c', 't'], ['u']),
      makeNode('Conv', ['u', 'd'], ['v'], [makeAttribute.int('group', 6)]),
      makeNode('Flatten', ['v'], ['f']),
      makeNode('Gemm', ['f', 'g', 'h'], ['p'], [makeAttribute.int('transB', 1)]),
      makeNode('MatMul', ['p', 'm'], ['y']),
      makeNode('Cast', ['i'], ['j'], [makeAttribute.int('to', 7)]),
      makeNode('Gather', ['table', 'j'], ['e']),
    ],
    initializers: [
      random('k', [6, 5, 3, 3], 1),
      random('t', [6, 6, 2, 2], 2),
      random('d', [6, 1, 2, 2], 3),
      random('g', [40, 96], 4),
      random('h', [40], 5),
      random('m', [40, 7], 6),
      random('table', [9, 20], 7),
    ],
  });
  model.graph.outputs = [value('y', [1, 7]), value('e', [2, 20])];
  return model;
}

export async function written(model: Model, name: string, writing: Writing = {}) {
  const scheme = parseScheme(name);
  const prepared = await prepare(model, { opset: requiredOpset(scheme, target, writing.encoding) });
  const plan = makePlan(
    { ...(await input(prepared.model, { scheme: name })), writing },
    undefined,
    'minmax',
    '',
  );
  const { numbers } = quantizeNumbers(prepared.model, plan);
  return { prepared: prepared.model, plan, numbers, model: emitQdq(prepared.model, plan, numbers) };
}

/**
 * The float model with each weight replaced by the values that its codes stand for: what the format means. They pass an
 * Identity, because onnxruntime's products of constants run other code, which rounds otherwise.
 */
export function simulated(model: Model, numbers: Numbers): Model {
  const copy = cloneModel(model);
  const values = new Map(
    numbers.weights.map(({ plan, dims, codes, shape, params }) => [
      plan.tensor,
      floatTensor(plan.tensor, dims, dequantize(codes, shape, params, elementOf(plan.format))),
    ]),
  );
  // TF32 is written as float32 constants itself.
  const constant = numbers.weights.every((w) => elementOf(w.plan.format).dtype === 'float32');
  for (const graph of allGraphs(copy.graph))
    graph.initializers = graph.initializers.map((tensor) => {
      const found = values.get(tensor.name ?? '');
      if (!found || constant) return found ?? tensor;
      const name = `${tensor.name}_rounded`;
      graph.nodes.unshift(makeNode('Identity', [name], [tensor.name!]));
      return { ...found, name };
    });
  return copy;
}

export async function outputs(model: Model, options: SessionOptions): Promise<Float32Array[]> {
  const session = await openModel(model, options);
  const next = seeded(3);
  const x = { dtype: 'float32' as const, dims: [1, 5, 6, 6], data: Float32Array.from({ length: 180 }, next) };
  const result = await session.run({ x, i: { dtype: 'float32', dims: [2], data: Float32Array.of(8, 3) } });
  await session.release();
  return Object.values(result).map((value) => value.data as Float32Array);
}
