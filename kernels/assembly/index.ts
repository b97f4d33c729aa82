// The SIMD kernels, AssemblyScript compiled to kernels/simd.wasm. They own no memory and allocate nothing: every
// argument is an address in the memory that the host gives, and kernels/wasm.ts is the only caller.
export { minMax } from './extremes';
export { histogram, observe } from './observe';
export { quantize, fakeQuantize } from './quantize';
export { dequantize } from './dequantize';
export { errorSums } from './errors';
export { groupErrors } from './groups';

/** What memory bandwidth alone costs: the yardstick of bench/kernels.js. */
export function copy(to: usize, from: usize, bytes: usize): void {
  memory.copy(to, from, bytes);
}
