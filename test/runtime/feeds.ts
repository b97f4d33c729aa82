import { uniform } from '../../kernels/random.js';
import { elementCount } from '../../src/ir/tensor.js';
import type { Feeds, TensorValue, TypedArray, ValueMeta } from '../../src/runtime/types.js';

type Make = (count: number, random: () => number) => TypedArray | string[];

/** Integers are 1 to 3: small enough for shapes and trip counts, never a zero divisor (which is a CPU fault). */
const small = (random: () => number): number => 1 + Math.floor(random() * 3);
const numbers =
  (
    Ctor: { from(a: { length: number }, f: () => number): TypedArray },
    next: (random: () => number) => number,
  ): Make =>
  (count, random) =>
    Ctor.from({ length: count }, () => next(random));
const bigints =
  (Ctor: { from(a: { length: number }, f: () => bigint): TypedArray }): Make =>
  (count, random) =>
    Ctor.from({ length: count }, () => BigInt(small(random)));
const signed = (random: () => number): number => random() * 2 - 1;

const MAKERS: Record<string, Make> = {
  float32: numbers(Float32Array, signed),
  float64: numbers(Float64Array, signed),
  // Half-precision bits of values from 1 up to 2, either sign.
  float16: numbers(
    Uint16Array,
    (random) => 0x3c00 + Math.floor(random() * 1024) + (random() < 0.5 ? 0x8000 : 0),
  ),
  uint8: numbers(Uint8Array, small),
  int8: numbers(Int8Array, small),
  uint16: numbers(Uint16Array, small),
  int16: numbers(Int16Array, small),
  int32: numbers(Int32Array, small),
  uint32: numbers(Uint32Array, small),
  bool: numbers(Uint8Array, (random) => (random() < 0.5 ? 1 : 0)),
  int64: bigints(BigInt64Array),
  uint64: bigints(BigUint64Array),
  string: (count, random) => Array.from({ length: count }, () => `text ${small(random)}`),
};

/** A random value for every input, or undefined where an input has no form here (sequences, 4-bit types). */
export function randomFeeds(inputs: readonly ValueMeta[], seed: number, unknownDim = 2): Feeds | undefined {
  const random = uniform(seed);
  const feeds: Record<string, TensorValue> = {};
  for (const { name, dtype, dims: declared } of inputs) {
    const make = dtype && MAKERS[dtype];
    if (!make) return undefined;
    const dims = declared.map((d) => (typeof d === 'number' && d >= 0 ? d : unknownDim));
    feeds[name] = {
      dtype,
      dims,
      data: make(elementCount(dims), random),
    };
  }
  return feeds;
}
