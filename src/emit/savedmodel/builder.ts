import { bytesOf, elementCount } from '../../ir/tensor.js';
import { broadcastDims, range } from '../lowering/shapes.js';
import type { Attributes, Combine, HloType, Operation, Value, WeightArgument } from './program.js';
import { denseText, INLINE_BYTES } from './text.js';

export { range };

const same = (a: readonly number[], b: readonly number[]) =>
  a.length === b.length && a.every((d, i) => d === b[i]);

type Numbers = ArrayLike<number>;

const ARRAYS: Partial<Record<HloType, (values: Numbers) => ArrayBufferView>> = {
  i1: (v) => Uint8Array.from(v),
  i8: (v) => Int8Array.from(v),
  ui8: (v) => Uint8Array.from(v),
  i16: (v) => Int16Array.from(v),
  i32: (v) => Int32Array.from(v, (x) => Math.min(Math.max(x, -(2 ** 31)), 2 ** 31 - 1)),
  f32: (v) => Float32Array.from(v),
  bf16: (v) => Uint16Array.from(v, toBfloat16),
};

const one = new Float32Array(1);
const bits = new Uint32Array(one.buffer);

/** Bits of the nearest bfloat16, ties to even. */
export function toBfloat16(value: number): number {
  one[0] = value;
  const word = bits[0];
  if (Number.isNaN(value)) return 0x7fc0;
  return (word + 0x7fff + ((word >>> 16) & 1)) >>> 16;
}

/** StableHLO operations with their result types worked out; shapes broadcast as ONNX's do. */
export class Builder {
  readonly operations: Operation[] = [];
  readonly weights: WeightArgument[] = [];
  private readonly scalars = new Map<string, Value>();
  private readonly names = new Set<string>();
  /** The node that operations are made for. */
  origin = '';

  op(
    type: string,
    operands: Value[],
    dims: number[],
    attributes: Attributes = {},
    dtype = operands[0].dtype,
  ): Value {
    return this.ops(type, operands, [{ dims, dtype }], attributes)[0];
  }

  ops(
    type: string,
    operands: Value[],
    results: Value[],
    attributes: Attributes = {},
    combine?: Combine,
  ): Value[] {
    const full = type.includes('.') ? type : `stablehlo.${type}`;
    this.operations.push({ type: full, operands, attributes, combine, results, origin: this.origin });
    return results;
  }

  /** Elements in the text where they are few, an argument of the function otherwise. */
  constant(dtype: HloType, dims: number[], values: Numbers, name = this.origin): Value {
    return this.bytes(dtype, dims, ARRAYS[dtype]!(values), name);
  }

  bytes(dtype: HloType, dims: number[], data: ArrayBufferView, name: string): Value {
    const value: Value = { dtype, dims };
    // Raw bytes of bools are packed in MLIR's text.
    const inline = elementCount(dims) <= 1 || (data.byteLength <= INLINE_BYTES && dtype !== 'i1');
    if (inline) return this.ops('constant', [], [value], { value: denseText(value, data) })[0];
    if (dtype === 'i1') {
      const codes = this.bytes('ui8', dims, data, name);
      return this.compare('NE', codes, this.scalar(0, 'ui8'));
    }
    this.weights.push({ name: this.unique(name), value, bytes: bytesOf(data) });
    return value;
  }

  private unique(wanted: string): string {
    let name = wanted || 'constant';
    for (let n = 1; this.names.has(name); n++) name = `${wanted || 'constant'}_${n}`;
    this.names.add(name);
    return name;
  }

  scalar(value: number, dtype: HloType = 'f32'): Value {
    const key = `${dtype} ${Object.is(value, -0) ? '-0' : value}`;
    const known = this.scalars.get(key);
    if (known) return known;
    const made = this.constant(dtype, [], [value]);
    this.scalars.set(key, made);
    return made;
  }

  unary(type: string, x: Value): Value {
    return this.op(type, [x], x.dims);
  }

  binary(type: string, a: Value, b: Value): Value {
    const dims = broadcastDims(a.dims, b.dims);
    return this.op(type, [this.broadcast(a, dims), this.broadcast(b, dims)], dims);
  }

  add = (a: Value, b: Value): Value => this.binary('add', a, b);
  subtract = (a: Value, b: Value): Value => this.binary('subtract', a, b);
  multiply = (a: Value, b: Value): Value => this.binary('multiply', a, b);
  divide = (a: Value, b: Value): Value => this.binary('divide', a, b);
  maximum = (a: Value, b: Value): Value => this.binary('maximum', a, b);
  minimum = (a: Value, b: Value): Value => this.binary('minimum', a, b);

  /** A number of x's type. */
  like = (x: Value, value: number): Value => this.scalar(value, x.dtype);

  compare(direction: 'EQ' | 'NE' | 'GE' | 'GT' | 'LE' | 'LT', a: Value, b: Value): Value {
    const dims = broadcastDims(a.dims, b.dims);
    const attributes = { comparison_direction: `#stablehlo<comparison_direction ${direction}>` };
    return this.op('compare', [this.broadcast(a, dims), this.broadcast(b, dims)], dims, attributes, 'i1');
  }

  select(condition: Value, a: Value, b: Value): Value {
    const dims = [a, b].reduce((d, v) => broadcastDims(d, v.dims), condition.dims);
    const [p, x, y] = [condition, a, b].map((v) => this.broadcast(v, dims));
    return this.op('select', [p, x, y], dims, {}, a.dtype);
  }

  clamp(low: Value, x: Value, high: Value): Value {
    return this.op('clamp', [low, x, high], x.dims, {}, x.dtype);
  }

  convert(x: Value, dtype: HloType): Value {
    return x.dtype === dtype ? x : this.op('convert', [x], x.dims, {}, dtype);
  }

  reshape(x: Value, dims: number[]): Value {
    return same(x.dims, dims) ? x : this.op('reshape', [x], dims);
  }

  transpose(x: Value, perm: number[]): Value {
    if (perm.every((p, i) => p === i)) return x;
    return this.op(
      'transpose',
      [x],
      perm.map((p) => x.dims[p]),
      { permutation: perm },
    );
  }

  /** NumPy's broadcasting: axes are counted from the last. */
  broadcast(x: Value, dims: number[]): Value {
    if (same(x.dims, dims)) return x;
    const lead = dims.length - x.dims.length;
    return this.spread(
      x,
      dims,
      range(x.dims.length).map((i) => i + lead),
    );
  }

  /** Axis i of x becomes axis `axes[i]`; the others repeat. */
  spread(x: Value, dims: number[], axes: number[]): Value {
    return this.op('broadcast_in_dim', [x], dims, { broadcast_dimensions: axes });
  }

  slice(x: Value, start: number[], limit: number[], strides = x.dims.map(() => 1)): Value {
    const dims = start.map((s, i) => Math.max(0, Math.ceil((limit[i] - s) / strides[i])));
    if (same(x.dims, dims)) return x;
    return this.op('slice', [x], dims, { start_indices: start, limit_indices: limit, strides });
  }

  /** Part of one axis. */
  part(x: Value, axis: number, start: number, limit: number): Value {
    return this.slice(
      x,
      x.dims.map((_, i) => (i === axis ? start : 0)),
      x.dims.map((d, i) => (i === axis ? limit : d)),
    );
  }

  concatenate(values: Value[], axis: number): Value {
    if (values.length === 1) return values[0];
    const size = values.reduce((n, v) => n + v.dims[axis], 0);
    const dims = values[0].dims.map((d, i) => (i === axis ? size : d));
    return this.op('concatenate', values, dims, { dimension: axis });
  }

  pad(x: Value, value: Value, low: number[], high: number[], interior = low.map(() => 0)): Value {
    if ([...low, ...high, ...interior].every((p) => p === 0)) return x;
    const dims = x.dims.map((d, i) => d + low[i] + high[i] + Math.max(0, d - 1) * interior[i]);
    return this.op('pad', [x, value], dims, {
      edge_padding_low: low,
      edge_padding_high: high,
      interior_padding: interior,
    });
  }

  reverse(x: Value, dimensions: number[]): Value {
    return this.op('reverse', [x], x.dims, { dimensions });
  }

  iota(dims: number[], axis: number): Value {
    return this.op('iota', [], dims, { iota_dimension: axis }, 'i32');
  }

  reduce(
    combine: 'add' | 'multiply' | 'maximum' | 'minimum',
    x: Value,
    axes: number[],
    keep: boolean,
  ): Value {
    const dims = x.dims.filter((_, i) => !axes.includes(i));
    const start = this.scalar(identityOf(combine, x.dtype), x.dtype);
    const [y] = this.ops('reduce', [x, start], [{ dtype: x.dtype, dims }], { dimensions: axes }, combine);
    return keep
      ? this.reshape(
          y,
          x.dims.map((d, i) => (axes.includes(i) ? 1 : d)),
        )
      : y;
  }
}

/** What leaves the other value as it is. */
export function identityOf(combine: Combine, dtype: HloType): number {
  if (combine === 'add') return 0;
  if (combine === 'multiply') return 1;
  const isFloat = /^b?f/.test(dtype);
  const most = isFloat ? Number.POSITIVE_INFINITY : { i8: 127, ui8: 255, i32: 2 ** 31 - 1 }[dtype as string]!;
  const least = isFloat ? -most : dtype === 'ui8' ? 0 : -most - 1;
  return combine === 'maximum' ? least : most;
}
