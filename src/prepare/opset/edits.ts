import type { Dtype } from '../../ir/dtypes.js';
import { dtypeName } from '../../ir/dtypes.js';
import { attribute, removeAttribute } from '../../ir/graph.js';
import type { Node, Tensor } from '../../ir/model.js';
import { makeTensor } from '../../ir/tensor.js';
import type { Adapter, Context } from './types.js';

/** Name stem for what an adapter adds to a node. */
export const stem = (node: Node): string => node.outputs.find((o) => o) || node.name || node.opType;

export function takeInt(node: Node, name: string): number | undefined {
  const value = attribute(node, name)?.i;
  removeAttribute(node, name);
  return value === undefined ? undefined : Number(value);
}

/** A float attribute, which leaves the node; rounded to the float32 that the file format gives it. */
export function takeFloat(node: Node, name: string): number | undefined {
  const value = attribute(node, name)?.f;
  removeAttribute(node, name);
  return value === undefined ? undefined : Math.fround(value);
}

export function takeFloats(node: Node, name: string): number[] | undefined {
  const floats = attribute(node, name)?.floats;
  removeAttribute(node, name);
  return floats;
}

/** Puts a value at an input position; positions before it that the node lacks are omitted ones. */
export function setInput(node: Node, position: number, value: string): void {
  while (node.inputs.length < position) node.inputs.push('');
  node.inputs[position] = value;
}

/** A 1-D int64 constant beside the node. */
export const intsConstant = (
  context: Context,
  node: Node,
  part: string,
  values: readonly (number | bigint)[],
): string =>
  context.constant(
    `${stem(node)}_${part}`,
    makeTensor('', 'int64', [values.length], BigInt64Array.from(values, BigInt)),
  );

/**
 * Moves an ints attribute to an input. An absent attribute leaves the input absent, and so does an empty one, which
 * means the default, unless the input is required. The values stay bigints: 2^63 - 1, which stands for "to the
 * end", has no number.
 */
export function intsToInput(
  node: Node,
  context: Context,
  name: string,
  position: number,
  required = false,
): void {
  const values = attribute(node, name)?.ints;
  removeAttribute(node, name);
  if (values && (values.length || required))
    setInput(node, position, intsConstant(context, node, name, values));
}

/** Float constants of the node's own element type; without a known type, float32, with a warning. */
export function floatsLike(
  context: Context,
  node: Node,
  part: string,
  dims: number[],
  values: number[],
): string {
  const dtype = dtypeName(context.dtypeOf(node.inputs[0]));
  const known = dtype !== undefined && dtype in ENCODERS;
  if (!known)
    context.warn(
      'OPSET_TYPE_UNKNOWN',
      `the element type of "${node.inputs[0]}" is unknown; taken as float32`,
      node,
    );
  return context.constant(`${stem(node)}_${part}`, floatTensorAs(known ? dtype : 'float32', dims, values));
}

/** A tensor of float values, each rounded to nearest even in `dtype`. */
const floatTensorAs = (dtype: Dtype, dims: number[], values: number[]): Tensor =>
  makeTensor('', dtype, dims, ENCODERS[dtype]!(values));

const ENCODERS: Partial<Record<Dtype, (values: number[]) => ArrayBufferView>> = {
  float32: (v) => Float32Array.from(v),
  float64: (v) => Float64Array.from(v),
  float16: (v) => Uint16Array.from(v, floatToHalf),
  bfloat16: (v) => Uint16Array.from(v, floatToBfloat),
  int32: (v) => Int32Array.from(v),
  int64: (v) => BigInt64Array.from(v, (x) => BigInt(Math.trunc(x))),
  uint8: (v) => Uint8Array.from(v),
  int8: (v) => Int8Array.from(v),
};

/** number → IEEE 754 binary16 bits, to nearest, ties to even. */
function floatToHalf(value: number): number {
  const sign = value < 0 || Object.is(value, -0) ? 0x8000 : 0;
  const size = Math.abs(value);
  if (Number.isNaN(value)) return 0x7e00;
  if (size >= 65520) return sign | 0x7c00;
  // One unit in the last place: 2^(exponent - 10), and never below the subnormal step 2^-24.
  const step = 2 ** Math.max(Math.floor(Math.log2(size || 2 ** -30)) - 10, -24);
  const units = halfEven(size / step);
  return sign | (Math.log2(step) === -24 ? units : (Math.log2(step) + 24) * 1024 + units);
}

function floatToBfloat(value: number): number {
  const bits = new Uint32Array(Float32Array.of(value).buffer)[0];
  return Number.isNaN(value) ? 0x7fc0 : (bits + 0x7fff + ((bits >>> 16) & 1)) >>> 16;
}

function halfEven(x: number): number {
  const down = Math.floor(x);
  if (x - down !== 0.5) return Math.round(x);
  return down % 2 ? down + 1 : down;
}

/** An adapter that edits the node where it stands. */
export const inPlace = (
  ops: readonly string[],
  since: number,
  description: string,
  edit: (node: Node, context: Context) => void,
): Adapter => ({
  ops,
  since,
  description,
  adapt(node, context) {
    edit(node, context);
    return [node];
  },
});
