import { node, random } from '../build.js';
import { matrix, one, x } from './common.js';

export const softmaxes = ['Softmax', 'LogSoftmax', 'Hardmax'].flatMap((op) => [
  one('default axis', 8, op),
  one('axis 0', 8, op, { axis: 0 }),
  one('axis 2', 11, op, { axis: 2 }),
  one('last axis', 11, op, { axis: 3 }),
  one('axis -1', 11, op, { axis: -1 }),
  one('axis -2', 12, op, { axis: -2 }),
  one('one wide axis', 9, op, { axis: 1 }, { inputs: { x: random(2, 10, 1, 1) } }),
  one('matrix', 7, op, {}, { inputs: { x: matrix } }),
  one('only ones', 7, op, {}, { inputs: { x: random(3, 1, 1) } }),
  {
    name: `${op}-9 shape known by the producer`,
    opset: 9,
    nodes: [node('Flatten', 'x', 'rows'), node('Relu', 'rows', 'r'), node(op, 'r', 'y')],
    inputs: { x },
  },
]);
