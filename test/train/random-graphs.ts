import { makeAttribute, makeNode } from '../../src/ir/graph.js';
import type { Attribute, Node, Tensor } from '../../src/ir/model.js';
import { int64Tensor } from '../../src/ir/tensor.js';
import { seeded } from '../prepare/helpers.js';
import type { Case } from './check.js';

const ROWS = 3;
const COLUMNS = 4;

/** A seeded graph of smooth operators on matrices, branches and shared values included; its loss reads all of it. */
export function randomGraph(seed: number, length = 8): Case {
  const next = seeded(seed);
  const pick = <T>(list: readonly T[]): T => list[Math.floor(((next() + 1) / 2) * list.length)];
  const nodes: Node[] = [];
  const constants: Tensor[] = [
    int64Tensor('flip', [2], [COLUMNS, ROWS]),
    int64Tensor('back', [2], [ROWS, COLUMNS]),
  ];
  const matrices = ['a', 'c'];
  const unused = new Set(matrices);
  const read = (name: string) => {
    unused.delete(name);
    return name;
  };
  const make = (op: string, inputs: string[], attributes: Attribute[] = []) => {
    const output = `v${nodes.length}`;
    nodes.push(makeNode(op, inputs, [output], attributes));
    return output;
  };
  const steps: ((x: string) => string)[] = [
    (x) => make('Tanh', [x]),
    (x) => make('Sigmoid', [x]),
    (x) => make('Softmax', [x], [makeAttribute.int('axis', pick([0, 1, -1]))]),
    (x) => make('Add', [x, read(pick(matrices))]),
    (x) => make('Sub', [x, 'row']),
    (x) => make('Mul', [x, read(pick(matrices))]),
    (x) => make('Div', [x, make('Exp', [make('Tanh', ['row'])])]),
    (x) => make('MatMul', [x, 'square']),
    (x) => make('LayerNormalization', [x, 'row', 'row']),
    (x) => make('Reshape', [make('Transpose', [make('Reshape', [x, 'flip'])]), 'back']),
    (x) => make('Concat', [x], [makeAttribute.int('axis', 0)]),
  ];
  for (let i = 0; i < length; i++) {
    const made = pick(steps)(read(pick(matrices)));
    matrices.push(made);
    unused.add(made);
  }
  const loose = [...unused];
  nodes.push(makeNode(loose.length > 1 ? 'Sum' : 'Identity', loose, ['y']));
  const inputs = { a: [ROWS, COLUMNS], c: [ROWS, COLUMNS], row: [COLUMNS], square: [COLUMNS, COLUMNS] };
  const seen = new Set(nodes.flatMap((n) => n.inputs));
  return {
    nodes,
    constants,
    inputs: Object.fromEntries(Object.entries(inputs).filter(([name]) => seen.has(name))),
  };
}
