import { KernelMemory } from './memory.js';
import { instantiate } from './module.js';

/**
 * L with H = L·Lᵀ, n × n and zero above the diagonal, of a symmetric matrix (its lower triangle is read).
 * @returns undefined when H is not positive definite in float64
 */
export function choleskyFactor(hessian: Float64Array, n: number): Float64Array | undefined {
  const memory = new KernelMemory(8 * n * n);
  const at = memory.allocate(8 * n * n);
  const factor = new Float64Array(memory.buffer, at, n * n);
  factor.set(hessian);
  if (instantiate(memory.memory).cholesky(at, n) !== 0) return undefined;
  for (let i = 0; i < n; i++) factor.fill(0, i * n + i + 1, i * n + n);
  return factor;
}
