import { codeArray } from '../../kernels/codec.js';
import { elementOf } from '../../kernels/grid.js';
import { dequantize, scaleCount } from '../../kernels/quantize.js';
import type { Model } from '../ir/model.js';
import type { Plan, WeightPlan } from '../plan/types.js';
import type { Numbers, QuantizedWeight } from '../quantize/types.js';
import { linear } from './forms/linear.js';
import { emitQdq } from './qdq.js';
import type { Grid, Weight } from './weight.js';

/** A model for packaging, and the weights in it that no DequantizeLinear holds. */
export interface Packable {
  model: Model;
  /** By the name of the float constant that stands for the weight. */
  stored: ReadonlyMap<string, Weight>;
  /** Weights that are stored as floats, as Core ML has no form for their codes. */
  plain: string[];
  /** Weights that are stored as floats where the format has no 8-bit ones. */
  float8s: string[];
}

/** Types that Core ML has as codes with a scale. */
const LINEAR = ['int8', 'uint8', 'int4', 'uint4'];
/** Wider codes would need tables larger than the weight. */
const MAX_TABLE_BITS = 8;

/**
 * The hub model with weights as packages want them: integers of 8 and 4 bits behind DequantizeLinear, every other format
 * as floats, with its codes and grid or tables kept beside where Core ML can hold them.
 */
export function emitPackable(model: Model, plan: Plan, numbers: Numbers): Packable {
  const stored = new Map<string, Weight>();
  const plain: string[] = [];
  const float8s: string[] = [];
  const result = emitQdq(model, plan, numbers, (editor, weight) => {
    const row = elementOf(weight.plan.format);
    if (isLinear(weight) && weight.shape.block === undefined) return linear(editor, weight, plan.encoding);
    const { dims, codes, shape, params } = weight;
    const values = dequantize(codes, shape, params, row);
    const name = editor.float(`${weight.plan.tensor}_stored`, dims, values);
    const made = inCodes(weight);
    const float8 = inFloat8(weight);
    if (made || float8) stored.set(name, { ...(made ?? { dims, data: values }), float8 });
    if (!made) (float8 ? float8s : plain).push(weight.plan.tensor);
    return name;
  });
  return { model: result, stored, plain, float8s };
}

function isLinear({ plan }: QuantizedWeight): boolean {
  const row = elementOf(plan.format);
  return row.kind === 'integer' && LINEAR.includes(row.dtype);
}

/** Codes with their grid, or with tables; undefined where Core ML has neither, or nothing would be saved. */
function inCodes(weight: QuantizedWeight): Weight | undefined {
  const { plan, dims, codes, shape, params } = weight;
  const grid = gridDims(dims, plan, shape.block);
  if (!grid) return undefined;
  if (!isLinear(weight)) return lookUp(weight, grid);
  const { dtype } = elementOf(plan.format);
  const quantized = {
    dtype: dtype as Grid['dtype'],
    dims: grid,
    scale: params.scales,
    zeroPoint: params.zeroPoints,
  };
  return { dims, data: codes as Int8Array | Uint8Array, quantized };
}

/** 8-bit floats with their scales; undefined for other formats. */
function inFloat8({ plan, dims, codes, shape, params }: QuantizedWeight): Weight['float8'] {
  const { dtype } = elementOf(plan.format);
  const grid = gridDims(dims, plan, shape.block);
  if (!grid || (dtype !== 'float8e4m3fn' && dtype !== 'float8e5m2')) return undefined;
  return { dtype, codes: Uint8Array.from(codes), dims: grid, scale: params.scales };
}

/** Codes as places in a table a group; undefined where that takes as much as float16 values. */
function lookUp(weight: QuantizedWeight, grid: number[]): Weight | undefined {
  const { plan, dims, codes, shape, params } = weight;
  const { bits } = elementOf(plan.format);
  const size = 2 ** bits;
  const groups = scaleCount(shape);
  if (bits > MAX_TABLE_BITS || groups * size * 2 + (codes.length * bits) / 8 >= 2 * codes.length)
    return undefined;
  const tables = params.tables ?? tablesOf(weight, groups, size);
  const data = Uint8Array.from(codes, (code) => code & (size - 1));
  const scale = Float32Array.from({ length: groups }, (_, g) => g);
  return { dims, data, quantized: { dtype: 'uint8', dims: grid, scale, lut: { bits, tables } } };
}

/** What each code of each group stands for. */
function tablesOf({ plan, params }: QuantizedWeight, groups: number, size: number): Float32Array {
  const row = elementOf(plan.format);
  const wraps = row.kind === 'integer' && row.signed;
  const all = codeArray(row, groups * size);
  for (let i = 0; i < all.length; i++) {
    const bits = i % size;
    all[i] = wraps && bits >= size / 2 ? bits - size : bits;
  }
  return dequantize(all, { outer: 1, channels: groups, inner: size }, params, row);
}

/** Groups along each axis; undefined where the last block is short, or blocks run over more than one axis. */
function gridDims(dims: number[], { axis, view = dims }: WeightPlan, block?: number): number[] | undefined {
  // Filters of one cell are matrices: the axes behind are of size 1.
  if (dims.some((d, i) => d !== (view[i] ?? 1))) return undefined;
  const along = (d: number, i: number) => (i !== axis ? 1 : d);
  if (axis === undefined || block === undefined) return dims.map(along);
  return dims[axis] % block === 0 ? dims.map((d, i) => (i === axis ? d / block : d)) : undefined;
}
