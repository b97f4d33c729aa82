import { intAttribute } from '../../../ir/graph.js';
import type { Node } from '../../../ir/model.js';
import { broadcastDims } from '../../lowering/shapes.js';
import type { Context } from '../context.js';
import { floats, HALF_MIN, text } from '../literal.js';
import type { Var } from '../program.js';
import type { Family, Lower } from './types.js';

/** One operation over two inputs that broadcast as NumPy's do. */
const binary =
  (type: string, result?: 'bool'): Lower =>
  (node, c) =>
    c.op(type, { x: c.input(0), y: c.input(1) }, c.dims(node.outputs[0]), result);

/** Any number of inputs, taken two by two. */
const chain =
  (type: string, last: (sum: Var, node: Node, c: Context) => Var = (sum) => sum): Lower =>
  (node, c) => {
    let result = c.input(0);
    for (let i = 1; i < node.inputs.length; i++) {
      const y = c.input(i);
      result = c.op(type, { x: result, y }, broadcastDims(result.dims, y.dims));
    }
    return last(result, node, c);
  };

const unary =
  (type: string): Lower =>
  (_, c) => {
    const x = c.input(0);
    return c.op(type, { x }, x.dims);
  };

const same = (types: string): Family =>
  Object.fromEntries(types.split(' ').map((type) => [type, unary(type.toLowerCase())]));

/** Integers: ONNX cuts towards zero, floor_div downwards, so magnitudes are divided and the sign is put back. */
const divide: Lower = (node, c) => {
  const [x, y, dims] = [c.input(0), c.input(1), c.dims(node.outputs[0])];
  if (x.dtype !== 'int32') return c.op('real_div', { x, y }, dims);
  const magnitude = (v: Var) => c.op('abs', { x: v }, v.dims);
  const sign = (v: Var) => c.op('sign', { x: v }, v.dims);
  const quotient = c.op('floor_div', { x: magnitude(x), y: magnitude(y) }, dims);
  return c.op('mul', { x: quotient, y: c.op('mul', { x: sign(x), y: sign(y) }, dims) }, dims);
};

const remainder: Lower = (node, c) =>
  intAttribute(node, 'fmod', 0) === 1
    ? c.refuse('Core ML’s mod takes the sign of the divisor; fmod takes that of the dividend')
    : binary('mod')(node, c);

const power: Lower = (node, c) => {
  const x = c.input(0);
  return c.op('pow', { x, y: c.cast(c.input(1), x.dtype) }, c.dims(node.outputs[0]));
};

/** log(x + epsilon): the smallest value that the type holds keeps log(0) finite. */
const logarithm: Lower = (_, c) => {
  const x = c.input(0);
  const epsilon = c.float === 'fp16' ? HALF_MIN : 1.4e-45;
  return c.op('log', { x, epsilon: floats(c.float, [epsilon], []) }, x.dims);
};

const cast: Lower = (node, c) => {
  const [x, to] = [c.input(0), c.milType(c.dtype(node.outputs[0]))];
  const integer = (v: Var) =>
    v.dtype === 'int32' ? v : c.op('cast', { x: v, dtype: text('int32') }, v.dims, 'int32');
  // Bytes wrap around in ONNX and are int32 here, so a float is refused rather than kept beyond 255.
  if (/^u?int(8|16)$/.test(c.dtype(node.outputs[0]) ?? '') && x.dtype !== 'bool' && x.dtype !== 'int32')
    return c.refuse('a cast to 8 or 16 bits has no counterpart');
  return to === 'int32' ? integer(x) : c.cast(x, to);
};

/** Both branches in the shape of the result: the Neural Engine takes no select that broadcasts. */
const where: Lower = (node, c) => {
  const dims = c.dims(node.outputs[0]);
  const [cond, a, b] = [0, 1, 2].map((i) => c.broadcast(c.input(i), dims));
  return c.op('select', { cond, a, b }, dims, a.dtype);
};

export const ELEMENTWISE: Family = {
  ...same('Abs Sign Floor Ceil Round Exp Sqrt Sin Cos Tan Asin Acos Atan Sinh Cosh Atanh Erf'),
  Add: binary('add'),
  Sub: binary('sub'),
  Mul: binary('mul'),
  Div: divide,
  Mod: remainder,
  Pow: power,
  Sum: chain('add'),
  Mean: chain('add', (sum, node, c) =>
    c.op('mul', { x: sum, y: c.number(1 / node.inputs.length) }, sum.dims),
  ),
  Max: chain('maximum'),
  Min: chain('minimum'),
  Neg: (_, c) => {
    const x = c.input(0);
    return c.op('mul', { x, y: c.number(-1, x) }, x.dims);
  },
  // `inverse` adds an epsilon of 1e-4.
  Reciprocal: (_, c) => {
    const y = c.input(0);
    return c.op('real_div', { x: c.number(1), y }, y.dims);
  },
  Log: logarithm,
  Cast: cast,
  Where: where,
  Equal: binary('equal', 'bool'),
  Greater: binary('greater', 'bool'),
  GreaterOrEqual: binary('greater_equal', 'bool'),
  Less: binary('less', 'bool'),
  LessOrEqual: binary('less_equal', 'bool'),
  And: binary('logical_and', 'bool'),
  Or: binary('logical_or', 'bool'),
  Xor: binary('logical_xor', 'bool'),
  Not: unary('logical_not'),
};
