import { elementCount } from '../../ir/tensor.js';
import { numbersOf } from './literal.js';
import { macsOf, totalMacs } from './macs.js';
import { argument, type Operation, type Program, readsOf, type Var } from './program.js';

/** An operation that the Neural Engine is not expected to run, and why. */
export interface Fallback {
  /** Node of the ONNX model, or the operation itself where it came from none. */
  node: string;
  operation: string;
  reason: string;
}

/** What the Neural Engine is expected to do with a package: a static estimate, from published behaviour. */
export interface Legality {
  /** How many operations of each type there are, constants left out, most frequent first. */
  operations: Record<string, number>;
  fallbacks: Fallback[];
  /** Share (0…1) of the work outside the Neural Engine: a multiplication counts 1, and an element of other results. */
  fallbackShare: number;
  /** Share (0…1) of multiplications whose weight is in 8 bits or less and whose input is dequantized. */
  int8Macs: number;
}

/** Largest size of an axis, and of a pooling window, on the Neural Engine. */
const MAX_AXIS = 16384;
const MAX_AVERAGE_KERNEL = 13;

const each = (types: string, reason: string): [string, string][] =>
  types.split(/\s+/).map((type) => [type, reason]);

/** Operations that run elsewhere whatever their arguments (coremltools issues, hollance/neural-engine, Apple forums). */
const ELSEWHERE = new Map<string, string>([
  ...each('gather gather_nd gather_along_axis', 'look-ups by index run on the CPU or GPU'),
  ...each('scatter_nd scatter_along_axis one_hot', 'writes by index run on the CPU or GPU'),
  ...each('logical_and logical_or logical_xor logical_not', 'logical operations run on the CPU or GPU'),
  ...each('lstm gru', 'recurrences run on the CPU or GPU'),
  ...each('topk cumsum fill band_part', 'runs on the CPU or GPU'),
]);

interface View {
  numbers(name: string): ArrayLike<number> | undefined;
  text(name: string): string | undefined;
}

/** Rules on an operation's arguments; the first that objects gives the reason. */
const RULES: readonly ((o: Operation, view: View) => string | undefined)[] = [
  (o) => ELSEWHERE.get(o.type),
  (o) => {
    const large = [...readsOf(o), ...o.outputs].flatMap((v) => v.dims).find((d) => d > MAX_AXIS);
    return large === undefined ? undefined : `an axis of ${large} exceeds ${MAX_AXIS}`;
  },
  (o, view) => {
    const kernel = Array.from(view.numbers('kernel_sizes') ?? []);
    const wide = o.type === 'avg_pool' && kernel.some((k) => k > MAX_AVERAGE_KERNEL);
    return wide ? `an average over ${kernel.join('×')} exceeds ${MAX_AVERAGE_KERNEL}` : undefined;
  },
  (_, view) =>
    view.text('sampling_mode') === 'UNALIGN_CORNERS'
      ? 'resizing by pixel centres (half_pixel) runs on the CPU or GPU'
      : undefined,
  (o) => (computesInteger(o) ? 'the Neural Engine computes in float16, not in int32' : undefined),
  (o) =>
    o.outputs[0].dtype === 'fp32' && o.type !== 'cast'
      ? 'float32 arithmetic runs on the CPU or GPU'
      : undefined,
];

const computesInteger = (o: Operation): boolean =>
  [...readsOf(o), ...o.outputs].some((v) => v.dtype === 'int32' && v.dims.length > 0) && !isConstant(o);

const isConstant = (o: Operation): boolean => o.type.startsWith('const');

/** Rules over the arguments that are constants would count; only values that an operation makes do. */
function dataflow(program: Program): Operation[] {
  return program.operations.filter((o) => !isConstant(o));
}

export function legality(program: Program): Legality {
  const maker = new Map<Var, Operation>(program.operations.flatMap((o) => o.outputs.map((v) => [v, o])));
  const viewOf = (o: Operation): View => {
    const literal = (name: string) => {
      const made = maker.get(argument(o, name) as Var);
      return made?.type === 'const' ? made.attributes[0][1] : undefined;
    };
    const numbers = (name: string) => {
      const value = literal(name);
      return value && numbersOf(value);
    };
    return { numbers, text: (name) => literal(name)?.text };
  };
  const operations = dataflow(program);
  const computed = operations.map((o) => withoutConstants(o, maker));
  const reasons = operations.map((o, i) => firstReason(computed[i], viewOf(o)));
  const work = operations.map((o) => macsOf(o) || elementCount(o.outputs[0].dims));
  const outside = work.reduce((n, w, i) => n + (reasons[i] ? w : 0), 0);
  return {
    operations: counts(operations),
    fallbacks: operations.flatMap((o, i) =>
      reasons[i] ? [{ node: o.origin || o.outputs[0].name, operation: o.type, reason: reasons[i] }] : [],
    ),
    fallbackShare:
      outside /
      Math.max(
        1,
        work.reduce((a, b) => a + b, 0),
      ),
    int8Macs: int8Macs(program, maker),
  };
}

/** The operation as it reads computed values only: axes and shapes are int32 and matter to no device. */
function withoutConstants(o: Operation, maker: Map<Var, Operation>): Operation {
  const isComputed = (v: Var) => {
    const made = maker.get(v);
    return !made || !isConstant(made);
  };
  const kept = readsOf(o).filter(isComputed);
  return { ...o, inputs: [['values', kept]] };
}

function firstReason(computed: Operation, view: View): string | undefined {
  for (const rule of RULES) {
    const reason = rule(computed, view);
    if (reason) return reason;
  }
  return undefined;
}

function counts(operations: readonly Operation[]): Record<string, number> {
  const result = new Map<string, number>();
  for (const { type } of operations) result.set(type, (result.get(type) ?? 0) + 1);
  return Object.fromEntries([...result].sort((a, b) => b[1] - a[1] || (a[0] < b[0] ? -1 : 1)));
}

function int8Macs(program: Program, maker: Map<Var, Operation>): number {
  const type = (v: Var | undefined) => (v ? (maker.get(v)?.type ?? '') : '');
  let covered = 0;
  for (const o of program.operations) {
    const weight = argument(o, 'weight') ?? argument(o, 'y');
    const right = type(weight);
    const inCodes = right.startsWith('constexpr_') || right === 'dequantize';
    if (inCodes && type(argument(o, 'x')) === 'dequantize') covered += macsOf(o);
  }
  return covered / Math.max(1, totalMacs(program));
}
