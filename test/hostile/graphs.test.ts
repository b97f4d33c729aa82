import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { makeAttribute as a, makeNode } from '../../src/ir/graph.js';
import { int64Tensor } from '../../src/ir/tensor.js';
import { loadModel } from '../../src/onnx/index.js';
import { random, value } from '../prepare/helpers.js';
import { type Attack, attack, changed, expectCivil, inFront, run, scene, USUAL } from './harness.js';

const GRAPHS: Attack[] = [
  {
    name: 'a cycle',
    make: () =>
      scene(
        inFront([
          makeNode('Add', ['x', 'e'], ['d'], [], { name: 'p' }),
          makeNode('Neg', ['d'], ['e'], [], { name: 'q' }),
        ]),
      ),
    exit: 3,
    code: /CYCLE/,
    says: /\bp\b|\bq\b/,
  },
  {
    name: 'a node that reads itself',
    make: () => scene(inFront([makeNode('Neg', ['d'], ['d'])])),
    exit: 3,
    code: /CYCLE/,
  },
  {
    name: 'a value that nobody makes',
    make: () => scene(inFront([makeNode('Neg', ['nobody'], ['d'])])),
    exit: 3,
    code: /./,
    says: /nobody/,
  },
  {
    name: 'a value made twice',
    make: () => scene(inFront([makeNode('Neg', ['x'], ['d']), makeNode('Abs', ['x'], ['d'])])),
    exit: 3,
    code: /./,
    says: /"d"/,
  },
  {
    name: 'an operator that does not exist',
    make: () => scene(inFront([makeNode('Frobnicate', ['x'], ['d'])])),
    exit: 3,
    code: /./,
    says: /Frobnicate/,
  },
  {
    name: 'a domain that nobody has',
    make: () =>
      scene(
        changed((m) => {
          m.graph.nodes[1].domain = 'nowhere';
          m.opsetImports.push({ domain: 'nowhere', version: 1 });
        }),
      ),
    exit: 3,
    code: /./,
  },
  {
    name: 'opset 9999',
    make: () =>
      scene(
        changed((m) => {
          m.opsetImports = [{ domain: '', version: 9999 }];
        }),
      ),
    exit: 3,
    code: /^MODEL_REJECTED$/,
  },
  {
    name: 'no opset',
    make: () =>
      scene(
        changed((m) => {
          m.opsetImports = [];
        }),
      ),
    exit: 4,
    code: /OPSET/,
  },
  {
    name: 'opset 1',
    make: () =>
      scene(
        changed((m) => {
          m.opsetImports = [{ domain: '', version: 1 }];
        }),
      ),
    exit: 4,
    code: /OPSET/,
  },
  {
    name: 'a weight of the wrong rank',
    make: () =>
      scene(
        changed((m) => {
          m.graph.initializers[0] = random('w1', [144]);
        }),
      ),
    exit: 3,
    code: /./,
  },
  {
    name: 'no outputs',
    make: () =>
      scene(
        changed((m) => {
          m.graph.outputs = [];
        }),
      ),
    exit: 3,
    code: /./,
  },
];

const SIZES: Attack[] = [
  {
    name: 'a weight of 10⁹ declared elements',
    make: () =>
      scene(
        changed((m) => {
          m.graph.initializers[0].dims = [1000, 1000, 1000];
        }),
      ),
    exit: 3,
    code: /^TENSOR_SIZE$/,
    says: /w1/,
  },
  {
    name: 'a weight one element short',
    make: () =>
      scene(
        changed((m) => {
          m.graph.initializers[0].dims = [4, 4, 3, 2];
        }),
      ),
    exit: 3,
    code: /^TENSOR_SIZE$/,
  },
  {
    name: 'a weight of a negative size',
    make: () =>
      scene(
        changed((m) => {
          m.graph.initializers[0].dims = [-4, -4, 3, 3];
        }),
      ),
    exit: 3,
    code: /^TENSOR_SIZE$/,
  },
  {
    name: 'an input of 10¹² elements and no samples',
    make: () =>
      scene(
        changed((m) => {
          m.graph.inputs = [value('x', [1e4, 1e4, 1e4])];
        }),
      ),
    args: ['-o', 'out.onnx'],
    exit: 4,
    code: /./,
    says: /x/,
  },
  {
    name: 'a constant of 10¹² elements that an operator makes',
    make: () =>
      scene(
        inFront(
          [
            makeNode('ConstantOfShape', ['huge'], ['h']),
            makeNode('ReduceMax', ['h'], ['m'], [a.int('keepdims', 0)]),
            makeNode('Add', ['x', 'm'], ['d']),
          ],
          [int64Tensor('huge', [3], [1e4, 1e4, 1e4])],
        ),
      ),
    exit: 3,
    code: /./,
  },
];

describe('graphs that make no sense', () => {
  it.concurrent.each(GRAPHS)('$name', attack);
});
describe('sizes that lie', () => {
  it.concurrent.each(SIZES)('$name', attack);
});

it('an unused constant of 10⁹ declared elements is dropped like any unused one', async () => {
  const net = changed((m) => {
    m.graph.initializers.push({ ...random('z', [1]), dims: [1e9] });
  });
  const place = scene(net);
  const outcome = await run(place, ['net.onnx', ...USUAL]);
  expectCivil(outcome);
  expect(outcome.code, outcome.stderr).toBe(0);
  const { graph } = loadModel(join(place.root, 'out.onnx')).model;
  expect(graph.initializers.map((t) => t.name)).not.toContain('z');
});
