import { describe, expect, it } from 'vitest';
import { neededFor } from '../../../src/pipeline/steps/wide.js';

describe('how many activations a gate asks to be widened', () => {
  // At 20 dB noise may be a hundredth of the signal, half of it in activations that stay narrow.
  it.each([
    ['none where there is no gate', undefined, [0.5, 0.5], 0],
    ['none where all stay within their half', 20, [0.003, 0.002], 0],
    ['those whose absence leaves the others within it', 20, [0.2, 0.002, 0.001, 0.001], 1],
    ['one more where the others would exceed it', 20, [0.2, 0.004, 0.002, 0.001], 2],
    ['all where each alone is too much', 20, [0.2, 0.1], 2],
  ])('%s', (_, gate, noises, expected) => {
    const groups = noises.map((noise) => ({ noise }));
    expect(neededFor(gate, groups)).toBe(expected);
  });
});
