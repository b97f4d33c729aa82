import { KernelMemory } from './memory.js';
import { instantiate } from './module.js';

const ALIGNMENT = 64;

/** A memory with arrays of these many float64. */
function open(lengths: readonly number[]) {
  const memory = new KernelMemory(lengths.reduce((bytes, n) => bytes + 8 * n + ALIGNMENT, 0));
  const arrays = lengths.map((n) => new Float64Array(memory.buffer, memory.allocate(8 * n), n));
  return { simd: instantiate(memory.memory), arrays };
}

/**
 * L with H = L·Lᵀ, n × n and zero above the diagonal, of a symmetric matrix (its lower triangle is read).
 * @returns undefined when H is not positive definite in float64
 */
export function choleskyFactor(hessian: Float64Array, n: number): Float64Array | undefined {
  const { simd, arrays } = open([n * n]);
  const [factor] = arrays;
  factor.set(hessian);
  if (simd.cholesky(factor.byteOffset, n) !== 0) return undefined;
  for (let i = 0; i < n; i++) factor.fill(0, i * n + i + 1, i * n + n);
  return factor;
}

/**
 * W·(I + D·H⁻¹) for rows × n weights: with H = E[x̂·x̂ᵀ], D = E[(x − x̂)·x̂ᵀ] it is the matrix that makes E‖W·x − W'·x̂‖²
 * least, the target for rounding when inputs are rounded too.
 * @returns undefined when H is not positive definite in float64
 */
export function shiftedWeights(
  weights: Float32Array,
  difference: Float64Array,
  hessian: Float64Array,
  n: number,
): Float32Array | undefined {
  const rows = weights.length / n;
  const { simd, arrays } = open([n * n, n * n, n, Math.ceil(weights.length / 2)]);
  const [factor, change, line, space] = arrays;
  factor.set(hessian);
  change.set(difference);
  const shifted = new Float32Array(space.buffer, space.byteOffset, weights.length);
  shifted.set(weights);
  if (simd.cholesky(factor.byteOffset, n) !== 0) return undefined;
  simd.shiftRows(shifted.byteOffset, change.byteOffset, factor.byteOffset, rows, n, line.byteOffset);
  return shifted.slice();
}
