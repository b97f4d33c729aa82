// The definitions of kernels/integer.ts in readable form, the way the hardware computes them: raw products of codes,
// and the zero points corrected for afterwards. Slow; the SIMD kernels are held against it.
import type { CodeGrid, ConvGeometry, Factor, ProductGeometry } from './integer.js';
import { clamp, roundHalfEven } from './rounding.js';

/**
 * One multiply-accumulate unit: 8 bits × 8 bits → 16 bits, added to a register of 32 bits that wraps modulo 2^32.
 * (255 · 255 exceeds a signed 16-bit product; hardware that takes unsigned codes keeps 17 bits there.)
 */
export const macStep = (accumulator: number, a: number, b: number): number => (accumulator + a * b) | 0;

/**
 * Σ(a − za)(b − zb) = Σab − zb·Σa − za·Σb + K·za·zb over `depth` pairs, modulo 2^32. The last two terms do not depend
 * on a, so a chip adds them to the bias beforehand; with zb = 0, as weights mostly have it, Σa is not needed either.
 */
export function correctedSum(
  a: (k: number) => number,
  b: (k: number) => number,
  depth: number,
  za: number,
  zb: number,
): number {
  let [products, sumA, sumB] = [0, 0, 0];
  for (let k = 0; k < depth; k++) {
    products = macStep(products, a(k), b(k));
    sumA = (sumA + a(k)) | 0;
    sumB = (sumB + b(k)) | 0;
  }
  return (products - Math.imul(zb, sumA) - Math.imul(za, sumB) + Math.imul(depth, Math.imul(za, zb))) | 0;
}

const zeroOf = (zeroPoints: Int32Array, row: number): number => zeroPoints[zeroPoints.length === 1 ? 0 : row];

/** As IntegerKernels.product. */
export function plainProduct(a: Factor, b: Factor, g: ProductGeometry, bias?: Int32Array): Int32Array {
  return Int32Array.from({ length: g.rows * g.columns }, (_, i) => {
    const [row, column] = [Math.floor(i / g.columns), i % g.columns];
    const left = (k: number) => a.codes[g.a.at + row * g.a.row + k * g.a.depth];
    const right = (k: number) => b.codes[g.b.at + column * g.b.column + k * g.b.depth];
    const zeros = [zeroOf(a.zeroPoints, row), zeroOf(b.zeroPoints, column)] as const;
    return correctedSum(left, right, g.depth, ...zeros) + (bias?.[column] ?? 0);
  });
}

/** As IntegerKernels.conv. Padding is the code of zero, the zero point. */
export function plainConv(x: Factor, w: Factor, g: ConvGeometry, bias?: Int32Array): Int32Array {
  const own = g.channels / g.groups;
  const depth = own * g.kernel[0] * g.kernel[1];
  const pixels = g.out[0] * g.out[1];
  return Int32Array.from({ length: g.batch * g.filters * pixels }, (_, i) => {
    const [image, filter] = [Math.floor(i / (g.filters * pixels)), Math.floor(i / pixels) % g.filters];
    const group = Math.floor(filter / (g.filters / g.groups));
    const origin = (image * g.channels + group * own) * g.size[0] * g.size[1];
    const patch = (k: number) => pixelOf(x, g, origin, i % pixels, k);
    const zeros = [x.zeroPoints[0], zeroOf(w.zeroPoints, filter)] as const;
    const sum = correctedSum(patch, (k) => w.codes[filter * depth + k], depth, ...zeros);
    return sum + (bias?.[filter] ?? 0);
  });
}

/** Code k of the patch under output pixel p. */
function pixelOf(x: Factor, g: ConvGeometry, origin: number, p: number, k: number): number {
  const [kernelH, kernelW] = g.kernel;
  const channel = Math.floor(k / (kernelH * kernelW));
  const y =
    Math.floor(p / g.out[1]) * g.strides[0] -
    g.pads[0] +
    (Math.floor(k / kernelW) % kernelH) * g.dilations[0];
  const column = (p % g.out[1]) * g.strides[1] - g.pads[1] + (k % kernelW) * g.dilations[1];
  if (y < 0 || y >= g.size[0] || column < 0 || column >= g.size[1]) return x.zeroPoints[0];
  return x.codes[origin + (channel * g.size[0] + y) * g.size[1] + column];
}

/** As IntegerKernels.requantize for one sum. */
export const plainRequantize = (sum: number, multiplier: number, grid: CodeGrid): number =>
  clamp(roundHalfEven(sum * multiplier) + grid.zeroPoint, grid.low, grid.high);
