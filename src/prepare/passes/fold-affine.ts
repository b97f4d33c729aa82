import { isOp } from '../../ir/graph.js';
import { isKept } from '../../ir/kept.js';
import type { Node } from '../../ir/model.js';
import { absorb, type ChannelAffine } from '../absorb.js';
import { removeNodes } from '../edit.js';
import { channelVector, type Folding, linearBehind, startFolding } from '../linear.js';
import type { Pass } from '../types.js';

/** What the operator does to its data, given the other input k; index 0: data first, 1: data second. */
type Map = (k: Float64Array) => ChannelAffine;
const ones = (k: Float64Array) => new Float64Array(k.length).fill(1);
const zeros = (k: Float64Array) => new Float64Array(k.length);
const times: Map = (k) => ({ scale: k, shift: zeros(k) });
const plus: Map = (k) => ({ scale: ones(k), shift: k });
const OPERATORS: Record<string, (Map | undefined)[]> = {
  Mul: [times, times],
  Add: [plus, plus],
  Sub: [(k) => ({ scale: ones(k), shift: k.map((v) => -v) }), (k) => ({ scale: ones(k).fill(-1), shift: k })],
  Div: [(k) => ({ scale: k.map((v) => 1 / v), shift: zeros(k) }), undefined],
};

/**
 * 1. Mul, Add, Sub and Div by a constant scalar or one value a channel, after Conv, ConvTranspose or Gemm: go into
 *    weight and bias (formula in absorb.ts). 2. Mul and Div after MatMul by a constant matrix, with or without the
 *    Add of its bias: likewise.
 * 3. Add and Sub after a bare MatMul stay: the Add is its bias.
 * 4. constant ÷ x, a constant that varies along another axis or broadcasts the output up, an output read elsewhere
 *    or captured, a graph output, a computed or non-float32 weight, a result that is not finite, a node that is named
 *    to be kept: stay.
 */
export const foldAffine: Pass = {
  id: 'fold-affine',
  description:
    'Scales and shifts after a convolution are part of its weight and bias, not operators to quantize.',
  run(model) {
    const folding = startFolding(model);
    let changes = 0;
    for (const node of model.graph.nodes)
      if (isOp(node, ...Object.keys(OPERATORS)) && !isKept(node) && foldOne(folding, node)) changes++;
    removeNodes(model.graph, folding.gone);
    return { changes };
  },
};

function foldOne(folding: Folding, node: Node): boolean {
  const data = node.inputs.findIndex((name) => !folding.constants.has(name));
  const constant = folding.constants.get(node.inputs[1 - data]);
  const map = OPERATORS[node.opType][data];
  if (!constant || !map) return false;
  const unit = linearBehind(node.inputs[data], folding);
  if (unit === undefined || typeof unit === 'string') return false;
  const values = channelVector(constant, unit);
  return values !== undefined && absorb(folding, unit, map(values), node) === undefined;
}
