import { describe, expect, it } from 'vitest';
import { makeAttribute as a, makeNode } from '../../src/ir/graph.js';
import { int64Tensor } from '../../src/ir/tensor.js';
import { graphInputs, inferTypes, observeTypes, staticDims, UNKNOWN_RANK } from '../../src/prepare/index.js';
import { model, random, value } from './helpers.js';

/** x → Conv (heavy weight) → computed flattening → MatMul. */
const network = () =>
  model({
    inputs: [value('x', ['n', 8, 6, 6])],
    outputs: [value('y', ['n', 3])],
    initializers: [
      random('w', [64, 8, 3, 3]),
      random('m', [1024, 3]),
      int64Tensor('zero', [1], [0]),
      int64Tensor('rest', [1], [-1]),
    ],
    nodes: [
      makeNode('Conv', ['x', 'w'], ['t']),
      makeNode('Shape', ['t'], ['s']),
      makeNode('Gather', ['s', 'zero'], ['n0']),
      makeNode('Concat', ['n0', 'rest'], ['to'], [a.int('axis', 0)]),
      makeNode('Reshape', ['t', 'to'], ['f']),
      makeNode('MatMul', ['f', 'm'], ['y']),
    ],
  });

describe('inferTypes', () => {
  it('keeps symbols when no dims are given', async () => {
    const types = await inferTypes(network());
    expect(types.get('t')).toMatchObject({ dtype: 'float32', dims: ['n', 64, 4, 4] });
    expect(types.get('w')).toMatchObject({ dtype: 'float32', dims: [64, 8, 3, 3] });
    expect(types.get('s')).toMatchObject({ dtype: 'int64', dims: [4] });
  });

  it('follows given dims through computed reshapes, and leaves the model alone', async () => {
    const m = network();
    const types = await inferTypes(m, { x: [5, 8, 6, 6] });
    expect(types.get('f')?.dims).toEqual([5, 1024]);
    expect(types.get('y')?.dims).toEqual([5, 3]);
    expect(m).toEqual(network());
  });

  it('tells an unknown rank from a scalar', async () => {
    const m = model({
      inputs: [value('x', [4]), value('to', ['k'], 7)],
      outputs: [value('y', undefined), value('z', [])],
      nodes: [
        makeNode('Reshape', ['x', 'to'], ['y']),
        makeNode('ReduceSum', ['x'], ['z'], [a.int('keepdims', 0)]),
      ],
    });
    const types = await inferTypes(m);
    expect(types.get('y')?.dims).toEqual([UNKNOWN_RANK]);
    expect(types.get('z')?.dims).toEqual([]);
    expect(staticDims(types.get('y'))).toBeUndefined();
    expect(staticDims(types.get('z'))).toEqual([]);
  });

  it('skips sequences', async () => {
    const m = model({
      inputs: [value('x', [4])],
      outputs: [value('y', undefined)],
      nodes: [
        makeNode('SequenceConstruct', ['x', 'x'], ['q']),
        makeNode('ConcatFromSequence', ['q'], ['y'], [a.int('axis', 0)]),
      ],
    });
    const types = await inferTypes(m);
    expect([types.has('q'), types.get('y')?.dtype]).toEqual([false, 'float32']);
  });

  it('falls back to what the file states when onnxruntime refuses the model', async () => {
    const m = model({
      inputs: [value('x', [4])],
      outputs: [value('y', [4])],
      valueInfo: [value('t', ['n', 2])],
      nodes: [makeNode('NoSuchOperator', ['x'], ['t']), makeNode('Relu', ['t'], ['y'])],
    });
    const types = await inferTypes(m);
    expect([types.get('x')?.dims, types.get('t')?.dims]).toEqual([[4], ['n', 2]]);
  });
});

it('graphInputs leaves initializers out', () => {
  const m = network();
  m.graph.inputs.push(value('w', [64, 8, 3, 3]));
  expect(graphInputs(m)).toEqual([{ name: 'x', dtype: 'float32', dims: ['n', 8, 6, 6] }]);
});

it('observeTypes asks a sample for the shapes that nothing else decides', async () => {
  const m = model({
    inputs: [value('x', [4])],
    outputs: [value('y', undefined, 7)],
    nodes: [makeNode('NonZero', ['x'], ['z']), makeNode('Neg', ['z'], ['y'])],
  });
  const x = { dtype: 'float32' as const, dims: [4], data: Float32Array.of(1, 0, 2, 3) };
  expect(staticDims((await inferTypes(m, { x: [4] })).get('y'))).toBeUndefined();
  expect((await observeTypes(m, { x })).get('y')).toEqual({ name: 'y', dtype: 'int64', dims: [1, 3] });
  await expect(observeTypes(m, { x: { ...x, dims: [2, 2] } })).rejects.toMatchObject({ code: 'RUN_FAILED' });
});
