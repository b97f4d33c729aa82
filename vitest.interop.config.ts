import { defineConfig } from 'vitest/config';

/** Independent readers (onnx, onnxruntime in Python) judge what we write; QUANTIZE_PYTHON names their interpreter. */
export default defineConfig({
  test: {
    include: ['test/interop/**/*.test.ts'],
    testTimeout: 600_000,
    hookTimeout: 120_000,
    fileParallelism: false,
  },
});
