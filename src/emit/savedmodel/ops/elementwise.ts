import { intAttribute } from '../../../ir/graph.js';
import type { Context } from '../context.js';
import type { Value } from '../program.js';
import type { Family, Lower } from './types.js';

const each = (types: string, lower: (type: string) => Lower): Family =>
  Object.fromEntries(
    types
      .split(' ')
      .map((pair) => pair.split('='))
      .map(([onnx, hlo]) => [onnx, lower(hlo)]),
  );

const unary =
  (type: string): Lower =>
  (_, c) =>
    c.unary(type, c.input(0));
const binary =
  (type: string): Lower =>
  (_, c) =>
    c.binary(type, c.input(0), c.input(1));

/** Any number of inputs, taken two by two. */
const chain =
  (type: string, last: (sum: Value, c: Context) => Value = (sum) => sum): Lower =>
  (node, c) =>
    last(
      node.inputs.map((_, i) => c.input(i)).reduce((a, b) => c.binary(type, a, b)),
      c,
    );

const comparison =
  (direction: 'EQ' | 'GE' | 'GT' | 'LE' | 'LT'): Lower =>
  (_, c) =>
    c.compare(direction, c.input(0), c.input(1));

/** The remainder has the sign of the dividend (fmod); without fmod the divisor's. */
const remainder: Lower = (node, c) => {
  const [x, y] = [c.input(0), c.input(1)];
  const rest = c.binary('remainder', x, y);
  if (intAttribute(node, 'fmod', 0) === 1) return rest;
  const zero = c.like(rest, 0);
  const apart = c.compare('NE', c.compare('LT', rest, zero), c.compare('LT', y, zero));
  const moves = c.binary('and', c.compare('NE', rest, zero), apart);
  return c.select(moves, c.add(rest, y), rest);
};

const power: Lower = (_, c) => {
  const x = c.input(0);
  return c.binary('power', x, c.convert(c.input(1), x.dtype));
};

const cast: Lower = (node, c) => {
  const x = c.input(0);
  const dtype = c.dtype(node.outputs[0]);
  const to = c.inner(dtype);
  if (to === 'i1') return c.compare('NE', x, c.like(x, 0));
  // Narrow integers wrap around in ONNX and are int32 here, so a float is refused rather than kept beyond them.
  if (/^u?int(8|16)$/.test(dtype ?? '') && x.dtype !== 'i1')
    return c.refuse('a cast to 8 or 16 bits has no counterpart');
  return c.convert(x, to);
};

export const ELEMENTWISE: Family = {
  ...each(
    'Abs=abs Sign=sign Floor=floor Ceil=ceil Round=round_nearest_even Exp=exponential Log=log Sqrt=sqrt Neg=negate Sin=sine Cos=cosine Tan=tan Not=not Erf=chlo.erf Asin=chlo.asin Acos=chlo.acos Atan=chlo.atan Sinh=chlo.sinh Cosh=chlo.cosh Asinh=chlo.asinh Acosh=chlo.acosh Atanh=chlo.atanh',
    unary,
  ),
  ...each('Add=add Sub=subtract Mul=multiply Div=divide And=and Or=or Xor=xor', binary),
  ...each('Sum=add Max=maximum Min=minimum', chain),
  Mean: chain('add', (sum, c) => c.divide(sum, c.scalar(c.node.inputs.length))),
  Mod: remainder,
  Pow: power,
  Reciprocal: (_, c) => c.divide(c.scalar(1), c.input(0)),
  Cast: cast,
  Where: (_, c) => c.select(c.input(0), c.input(1), c.input(2)),
  IsNaN: (_, c) => c.compare('NE', c.input(0), c.input(0)),
  Equal: comparison('EQ'),
  Greater: comparison('GT'),
  GreaterOrEqual: comparison('GE'),
  Less: comparison('LT'),
  LessOrEqual: comparison('LE'),
};
