import { availableParallelism } from 'node:os';
import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    exclude: ['test/zoo/**', 'test/interop/**'],
    testTimeout: 60_000,
    hookTimeout: 60_000,
    // Most of the time goes to commands started apart, which wait: a test file more at once fills both cores of a small machine.
    maxWorkers: Math.max(2, availableParallelism() - 1),
  },
});
