import { decodeFloat, type FloatLayout } from './floats.js';
import { NO_QDQ, type NumberFormat, type Opsets, opsets } from './format.js';

type FloatRow = Pick<NumberFormat, 'id' | 'description' | 'usedIn'> &
  Pick<NumberFormat, 'dtype'> &
  Partial<Pick<NumberFormat, 'executable'>> & { layout: FloatLayout; opsets?: Opsets };

function floating({ layout, opsets: since = NO_QDQ, executable = false, ...row }: FloatRow): NumberFormat {
  const bits = 1 + layout.exponentBits + layout.mantissaBits;
  const qmax = 2 ** bits - 1;
  return {
    ...row,
    kind: 'float',
    bits,
    signed: true,
    ...{ qmin: 0, qmax, symmetricMin: 0, symmetricMax: qmax },
    largest: decodeFloat(layout.largestCode, layout),
    smallest: decodeFloat(1, layout),
    scaled: bits <= 8,
    array: bits <= 8 ? 'uint8' : bits <= 16 ? 'uint16' : 'int32',
    ...since,
    executable,
    layout,
  };
}

/** A layout by its bits and bias; by default it saturates and has neither infinity nor NaN, as the FP4 and FP6 formats. */
function layout(
  exponentBits: number,
  mantissaBits: number,
  bias: number,
  more: Partial<FloatLayout> = {},
): FloatLayout {
  const last = 2 ** (exponentBits + mantissaBits) - 1;
  const plain = { largestCode: last, overflow: last, nan: last, infinite: false, signedZero: true };
  return { exponentBits, mantissaBits, bias, ...plain, saturates: true, rounding: 'even', ...more };
}

/** IEEE 754: the last exponent holds infinity and, with the first mantissa bit, the quiet NaN. */
function ieee(exponentBits: number, mantissaBits: number, more: Partial<FloatLayout> = {}): FloatLayout {
  const overflow = (2 ** exponentBits - 1) * 2 ** mantissaBits;
  const nan = overflow + 2 ** (mantissaBits - 1);
  const special = { largestCode: overflow - 1, overflow, nan, infinite: true };
  return layout(exponentBits, mantissaBits, 2 ** (exponentBits - 1) - 1, {
    ...special,
    saturates: false,
    ...more,
  });
}

const FNUZ = { overflow: 0x80, nan: 0x80, signedZero: false };

const FP8_OPSETS = opsets(19, 19, 21);
/** Floating-point formats; the codec is kernels/floats.ts. */
export const FLOATS: readonly NumberFormat[] = [
  floating({
    id: 'fp8',
    description: 'E4M3FN: 4 bits of exponent, 3 of mantissa, no infinity',
    usedIn: 'weights and activations on NVIDIA Hopper and later, Intel Gaudi',
    dtype: 'float8e4m3fn',
    opsets: FP8_OPSETS,
    executable: true,
    layout: layout(4, 3, 7, { largestCode: 0x7e, overflow: 0x7f, nan: 0x7f }),
  }),
  floating({
    id: 'fp8e5m2',
    description: 'E5M2: the exponents of FP16 with 2 bits of mantissa; gradients',
    usedIn: 'training on NVIDIA Hopper and later',
    dtype: 'float8e5m2',
    opsets: FP8_OPSETS,
    executable: true,
    layout: ieee(5, 2, { saturates: true }),
  }),
  floating({
    id: 'fp8fnuz',
    description: 'E4M3FNUZ: no infinity, no −0, twice the exponent bias’s reach downwards',
    usedIn: 'AMD MI300, Graphcore',
    dtype: 'float8e4m3fnuz',
    opsets: FP8_OPSETS,
    executable: true,
    layout: layout(4, 3, 8, FNUZ),
  }),
  floating({
    id: 'fp8e5m2fnuz',
    description: 'E5M2FNUZ: no infinity, no −0',
    usedIn: 'AMD MI300, Graphcore',
    dtype: 'float8e5m2fnuz',
    opsets: FP8_OPSETS,
    executable: true,
    layout: layout(5, 2, 16, FNUZ),
  }),
  floating({
    id: 'fp4',
    description: 'E2M1: ±{0, 0.5, 1, 1.5, 2, 3, 4, 6}',
    usedIn: 'weights on NVIDIA Blackwell and AMD MI350, in blocks',
    dtype: 'float4e2m1',
    opsets: opsets(23),
    layout: layout(2, 1, 1),
  }),
  floating({
    id: 'fp6e2m3',
    description: 'E2M3: steps of 0.125 up to 7.5',
    usedIn: 'MXFP6',
    dtype: 'uint8',
    layout: layout(2, 3, 1),
  }),
  floating({
    id: 'fp6e3m2',
    description: 'E3M2: up to 28',
    usedIn: 'MXFP6',
    dtype: 'uint8',
    layout: layout(3, 2, 3),
  }),
  floating({
    id: 'fp16',
    description: 'IEEE half precision; larger than 65504 is infinite',
    usedIn: 'GPUs, neural engines',
    dtype: 'float16',
    layout: ieee(5, 10),
  }),
  floating({
    id: 'bf16',
    description: 'float32 without its last 16 bits',
    usedIn: 'TPUs, GPUs, x86 AMX',
    dtype: 'bfloat16',
    layout: ieee(8, 7),
  }),
  ...(['even', 'away', 'zero'] as const).map((rounding) =>
    floating({
      id: { even: 'tf32', away: 'tf32rna', zero: 'tf32rz' }[rounding],
      description: `float32 with 10 bits of mantissa, ${
        { even: 'ties to even', away: 'ties away from zero', zero: 'cut off' }[rounding]
      }`,
      usedIn: 'tensor cores of NVIDIA Ampere and later',
      dtype: 'float32',
      layout: ieee(8, 10, { rounding }),
    }),
  ),
];
