import { makeAttribute } from '../../../ir/graph.js';
import { denseBytes } from '../parse.js';
import { HLO_TYPES, type Operation } from '../program.js';
import { castTo, isNarrow, type Lifter, number, onnxDtype, refuse, text } from './lifter.js';
import type { Lifts } from './types.js';

const each = (pairs: string, more: Parameters<Lifter['finish']>[3] = []): Lifts =>
  Object.fromEntries(
    pairs.split(' ').map((pair) => {
      const [hlo, onnx] = pair.split('=');
      const operands = (o: Operation, l: Lifter) => o.operands.map((v) => l.name(v));
      return [`stablehlo.${hlo}`, (o: Operation, l: Lifter) => l.finish(o, onnx, operands(o, l), more)];
    }),
  );

const COMPARISONS: Record<string, string> = {
  EQ: 'Equal',
  GE: 'GreaterOrEqual',
  GT: 'Greater',
  LE: 'LessOrEqual',
  LT: 'Less',
};

function compare(o: Operation, l: Lifter): void {
  const direction = /comparison_direction (\w+)/.exec(text(o, 'comparison_direction'))?.[1] ?? '';
  const inputs = [l.input(o, 0), l.input(o, 1)];
  if (direction === 'NE') l.finish(o, 'Not', [l.step('Equal', inputs)]);
  else l.finish(o, COMPARISONS[direction] ?? refuse(o, `compares by ${direction}`), inputs);
}

/** To a narrow float: rounded there, and widened again. */
function convert(o: Operation, l: Lifter): void {
  const [{ dtype: from }] = o.operands;
  const [{ dtype: to }] = o.results;
  const x = l.input(o, 0);
  if (!isNarrow(to)) l.finish(o, 'Cast', [x], [castTo(onnxDtype(to))]);
  // Eight bits fit into bfloat16.
  else if (from.startsWith('f8') && to === 'bf16') l.finish(o, 'Identity', [x]);
  else if (isNarrow(from)) refuse(o, 'converts between narrow floats');
  else {
    const float = from === 'f32' ? x : l.cast(x, 'float32');
    l.finish(o, 'Cast', [l.cast(float, HLO_TYPES[to].dtype)], [castTo('float32')]);
  }
}

function constant(o: Operation, l: Lifter): void {
  const [value] = o.results;
  l.tensor(value, denseBytes(text(o, 'value'), value, HLO_TYPES[value.dtype].bytes));
}

/** The running index along an axis, repeated along the others. */
function iota(o: Operation, l: Lifter): void {
  const [{ dims }] = o.results;
  const axis = number(o, 'iota_dimension');
  const shape = dims.map((d, i) => (i === axis ? d : 1));
  const values = Int32Array.from({ length: dims[axis] }, (_, i) => i);
  l.finish(o, 'Expand', [l.constant('int32', shape, values), l.ints(dims)]);
}

const one = (l: Lifter): string => l.constant('float32', [], Float32Array.of(1));

export const ELEMENTWISE: Lifts = {
  ...each(
    'abs=Abs sign=Sign floor=Floor ceil=Ceil round_nearest_even=Round exponential=Exp log=Log sqrt=Sqrt negate=Neg sine=Sin cosine=Cos tan=Tan tanh=Tanh logistic=Sigmoid not=Not',
  ),
  ...each('add=Add subtract=Sub multiply=Mul divide=Div power=Pow maximum=Max minimum=Min select=Where'),
  ...each('remainder=Mod', [makeAttribute.int('fmod', 1)]),
  ...each('shift_right_logical=BitShift', [makeAttribute.string('direction', 'RIGHT')]),
  'stablehlo.and': (o, l) => logical(o, l, 'And', 'BitwiseAnd'),
  'stablehlo.or': (o, l) => logical(o, l, 'Or', 'BitwiseOr'),
  'stablehlo.xor': (o, l) => logical(o, l, 'Xor', 'BitwiseXor'),
  'stablehlo.log_plus_one': (o, l) => l.finish(o, 'Log', [l.step('Add', [l.input(o, 0), one(l)])]),
  'stablehlo.exponential_minus_one': (o, l) => l.finish(o, 'Sub', [l.step('Exp', [l.input(o, 0)]), one(l)]),
  'stablehlo.clamp': (o, l) =>
    l.finish(o, 'Min', [l.step('Max', [l.input(o, 1), l.input(o, 0)]), l.input(o, 2)]),
  'stablehlo.compare': compare,
  'stablehlo.convert': convert,
  'stablehlo.constant': constant,
  'stablehlo.iota': iota,
  ...Object.fromEntries(
    'Erf Asin Acos Atan Sinh Cosh Asinh Acosh Atanh'
      .split(' ')
      .map((op) => [
        `chlo.${op.toLowerCase()}`,
        (o: Operation, l: Lifter) => l.finish(o, op, [l.input(o, 0)]),
      ]),
  ),
};

function logical(o: Operation, l: Lifter, bool: string, bits: string): void {
  l.finish(o, o.operands[0].dtype === 'i1' ? bool : bits, [l.input(o, 0), l.input(o, 1)]);
}
