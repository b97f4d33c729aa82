import { type Case, float, graph, int64s, node, random, tensor, valueInfo } from '../build.js';
import { matrix, one, x } from './common.js';

/** state + step → state; the step's sum also goes out. */
const sumBody = () =>
  graph(
    [node('Add', 's v', 'sum'), node('Clip', 'sum', 'so', { max: float(40) }), node('Identity', 'so', 'out')],
    [valueInfo('s', 'float32', [1]), valueInfo('v', 'float32', [1])],
    [valueInfo('so', 'float32', [1]), valueInfo('out', 'float32', [1])],
  );
const scan = (name: string, reads: string, directions: number[], lengths?: number[]): Case =>
  one(
    name,
    8,
    'Scan',
    { num_scan_inputs: 1, directions, body: sumBody() },
    {
      reads,
      makes: 'last all',
      inputs: { s0: tensor([2, 1], [10, 20]), x: tensor([2, 4, 1], [1, 2, 3, 4, 5, 6, 7, 8]) },
      downTo: lengths && 13,
      constants: lengths && { n: int64s(...lengths) },
    },
  );
export const scans: Case[] = [
  scan('forward', '_ s0 x', [0]),
  scan('backward', '_ s0 x', [1]),
  scan('lengths', 'n s0 x', [0], [2, 4]),
  scan('lengths, backward', 'n s0 x', [1], [4, 1]),
  one(
    'no state, two inputs, matrix steps',
    8,
    'Scan',
    {
      num_scan_inputs: 2,
      body: graph(
        [node('Mul', 'a b', 'p'), node('ReduceMax', 'p', 'q', { axes: [0] })],
        [valueInfo('a', 'float32', [2, 3]), valueInfo('b', 'float32', [2, 3])],
        [valueInfo('p'), valueInfo('q')],
      ),
    },
    {
      reads: 'n x x',
      makes: 'p q',
      inputs: { x: random(2, 3, 2, 3) },
      constants: { n: int64s(3, 2) },
      downTo: 13,
    },
  ),
];

const inner = (bound: number) =>
  graph(
    [node('Softmax', 'x', 'soft', { axis: 1 }), node('Clip', 'soft', `y${bound}`, { max: float(bound) })],
    [],
    [valueInfo(`y${bound}`)],
  );
export const nested: Case[] = [
  ...[1, 0].map((choice) =>
    one(
      `branch ${choice}, reading the outer graph`,
      10,
      'If',
      { then_branch: inner(0.01), else_branch: inner(0.02) },
      {
        reads: 'c',
        inputs: { x, c: tensor([], [choice], 'bool') },
      },
    ),
  ),
  one(
    'body',
    9,
    'Loop',
    {
      body: graph(
        [
          node('Slice', 'v', 'w', { starts: [0], ends: [3], axes: [1] }),
          node('Unsqueeze', 'w', 'u', { axes: [0] }),
          node('Identity', 'go', 'goOn'),
        ],
        [valueInfo('i', 'int64', []), valueInfo('go', 'bool', []), valueInfo('v', 'float32')],
        [valueInfo('goOn', 'bool'), valueInfo('w'), valueInfo('u')],
      ),
    },
    {
      reads: 'n c x',
      makes: 'y all',
      constants: { n: tensor([], [2], 'int64'), c: tensor([], [1], 'bool') },
      inputs: { x: matrix },
    },
  ),
];
