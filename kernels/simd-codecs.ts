import type { ChannelParams, Piece } from './blocks.js';
import { decodeFloat } from './floats.js';
import type { NumberFormat } from './format.js';
import { type KernelMemory, PIECE } from './memory.js';
import type { KernelExports } from './module.js';
import type { BlockKernel } from './piecewise.js';
import { placeRanks, placeValues } from './simd-tables.js';

/** How to run a format: a kernel, for how many channels at once, and what to do before each piece. */
export interface SimdCodec {
  kernel: BlockKernel;
  channels: number;
  prepare?: (piece: Piece) => void;
}

export interface SimdCall {
  simd: KernelExports;
  memory: KernelMemory;
  row: NumberFormat;
  params: ChannelParams;
}

type Direction = 'quantize' | 'dequantize' | 'fakeQuantize';

/**
 * The kernel of a format in one direction; undefined where only the plain version serves. Tables that it reads are
 * written to the scratch memory here.
 */
export function simdCodec(direction: Direction, call: SimdCall): SimdCodec | undefined {
  const { row } = call;
  if (row.kind !== 'integer' && !row.layout?.signedZero) return tableCodec(direction, call);
  if (row.layout && direction === 'dequantize' && row.bits <= 8) return tableCodec(direction, call);
  const kernel = row.kind === 'integer' ? integerKernel(direction, call) : floatKernel(direction, call);
  return kernel && { kernel, channels: PIECE };
}

/** Formats whose values are looked up: all without a layout, and those floats whose −0 is NaN. */
function tableCodec(direction: Direction, { simd, memory, row, params }: SimdCall): SimdCodec {
  if (direction === 'dequantize') {
    const { values, stride, ...rest } = placeValues(memory, row, params);
    return { ...rest, kernel: (...args) => simd.dequantizeTable(...args, values, stride) };
  }
  const { thresholds, values, codes, stride, ...rest } = placeRanks(memory, row, params);
  const [kernel, by] =
    direction === 'quantize' ? [simd.quantizeTable, codes] : [simd.fakeQuantizeTable, values];
  return { ...rest, kernel: (...args) => kernel(...args, thresholds, stride, by, row.bits) };
}

function integerKernel(direction: Direction, { simd, row }: SimdCall): BlockKernel | undefined {
  const { bits, qmin, qmax, signed } = row;
  // The rounding of kernels/assembly/lanes.ts holds up to 22 bits.
  if (bits > 16) return undefined;
  const wide = bits > 8;
  if (direction === 'fakeQuantize') return (...args) => simd.fakeQuantize(...args, qmin, qmax);
  if (direction === 'quantize') {
    const quantize = wide ? simd.quantizeWide : simd.quantize;
    return (...args) => quantize(...args, qmin, qmax);
  }
  const dequantize = wide ? simd.dequantizeWide : simd.dequantize;
  return (...args) => dequantize(...args, signed ? 1 : 0);
}

const FLOAT32_BIAS = 127;

function floatKernel(direction: Direction, call: SimdCall): BlockKernel | undefined {
  if (call.row.layout!.bias === FLOAT32_BIAS) return castKernel(direction, call);
  const { simd, row } = call;
  const { mantissaBits, exponentBits, bias, saturates, nan } = row.layout!;
  const top = row.largest;
  // What does not saturate becomes the code after the largest, infinity: the value that it would have.
  const limit = saturates ? top : top + 2 ** (Math.floor(Math.log2(top)) - mantissaBits);
  const common = [2 ** (1 - bias), limit, mantissaBits];
  const byte = row.bits <= 8;
  if (direction === 'fakeQuantize') {
    const special = [top, saturates ? top : Infinity, decodeFloat(nan, row.layout!)];
    return (...args) => simd.fakeQuantizeFloat(...args, ...common, ...special);
  }
  if (direction === 'quantize') {
    const quantize = byte ? simd.quantizeFloat : simd.quantizeHalf;
    const code = [(FLOAT32_BIAS + 1 - bias) << mantissaBits, exponentBits + mantissaBits, nan];
    return (...args) => quantize(...args, ...common, ...code);
  }
  return (from, to, ...shape) => simd.dequantizeHalf(from, to, count(shape));
}

/** Values of a piece of which a kernel does not need to know the shape. */
const count = ([outer, channels, inner]: number[]): number => outer * channels * inner;

const ROUNDING = { even: 0, away: 1, zero: 2 };

/** BF16 and TF32 keep the exponents of float32 and take no scale. */
function castKernel(direction: Direction, { simd, row }: SimdCall): BlockKernel | undefined {
  const { mantissaBits, rounding } = row.layout!;
  if (direction === 'fakeQuantize') {
    const how = [23 - mantissaBits, ROUNDING[rounding]] as const;
    return (from, to, ...shape) => simd.cutFloat(from, to, count(shape), ...how);
  }
  if (row.bits !== 16) return undefined;
  if (direction === 'quantize') return (from, to, ...shape) => simd.quantizeBrain(from, to, count(shape));
  return (from, to, ...shape) => simd.dequantizeBrain(from, to, count(shape));
}
