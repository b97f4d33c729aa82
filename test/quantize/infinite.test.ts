import { expect, it } from 'vitest';
import { makeNode } from '../../src/ir/graph.js';
import { floatTensor } from '../../src/ir/tensor.js';
import { makePlan } from '../../src/plan/index.js';
import { quantizeNumbers } from '../../src/quantize/index.js';
import { input, network } from '../plan/cases.js';

const net = network({
  inputs: { x: [3, 16] },
  nodes: [makeNode('MatMul', ['x', 'm'], ['y'])],
  // 65519 still rounds to 65504, the largest half; 65520 is the tie, and even is infinity.
  initializers: [floatTensor('m', [16, 1], [65504, -65519, 65520, -1e30, 3.4e38, ...new Array(11).fill(1)])],
  outputs: ['y'],
});

it.each([
  ['fp16', 3],
  ['bf16', 1],
  ['tf32', 0],
  ['int8-float-perchannel', 0],
  ['fp8-float-perchannel', 0],
])('%s: %i values become infinite, and it is said', async (scheme, count) => {
  const plan = makePlan(await input(net, { scheme }), undefined, 'minmax', 'test');
  const { diagnostics } = quantizeNumbers(net, plan);
  expect(diagnostics.map(({ code, message }) => [code, message.split(' ')[0]])).toEqual(
    count ? [['WEIGHT_INFINITE', String(count)]] : [],
  );
});
