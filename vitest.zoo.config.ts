import { defineConfig } from 'vitest/config';

/** Real networks; their folder comes from QUANTIZE_ZOO, and each test skips by name without it. */
export default defineConfig({
  test: { include: ['test/zoo/**/*.test.ts'], testTimeout: 600_000, hookTimeout: 120_000, maxWorkers: 2 },
});
