// The SIMD kernels, AssemblyScript compiled to kernels/simd.wasm. They own no memory and allocate nothing: every
// argument is an address in the memory that the host gives, and only the files of kernels/ beside this folder call them.
export { minMax } from './extremes';
export { histogram, observe } from './observe';
export { quantize, fakeQuantize } from './quantize';
export { dequantize } from './dequantize';
export { quantizeWide, dequantizeWide } from './wide';
export { quantizeFloat, quantizeHalf, fakeQuantizeFloat } from './floats';
export { cutFloat, quantizeBrain, dequantizeBrain, dequantizeHalf } from './casts';
export { quantizeTable, fakeQuantizeTable, dequantizeTable } from './tables';
export { errorSums } from './errors';
export { groupErrors } from './groups';
export { shrinkSums } from './shrink';
export { cholesky } from './cholesky';
export { descend, gridErrors, refit, roundNearest, roundRows } from './lattice';
export { addInto, narrow } from './matrix';
export { pruneRows } from './prune';
export {
  packRows,
  packPatches,
  multiplyRows,
  requantize,
  scaleSums,
  addCodes,
  multiplyCodes,
  magnitudes,
  widest,
} from './integer';
export { shiftRows } from './solve';

/** What memory bandwidth alone costs: the yardstick of bench/kernels.js. */
export function copy(to: usize, from: usize, bytes: usize): void {
  memory.copy(to, from, bytes);
}
