import { describe, expect, it } from 'vitest';
import { emptyStats } from '../../src/calibrate/accumulate.js';
import { sampleLints } from '../../src/calibrate/lints.js';
import type { Stats } from '../../src/calibrate/types.js';

/** Statistics of one tensor of which sample i has the extremes −peaks[i] … peaks[i]. */
const stats = (peaks: number[], kind: Stats['kind'] = 'real'): Stats => ({
  ...{ modelHash: '', settingsHash: '', source: '', kind, samples: [[0, peaks.length - 1]] },
  sampleCount: peaks.length,
  tensors: new Map([
    ['x', { ...emptyStats(false), extremes: peaks.map((max, index) => ({ index, min: -max, max })) }],
  ]),
});

describe('what statistics say of their samples', () => {
  it.each([
    ['nothing of good ones', stats([3, 5, 4, 4.5]), []],
    ['that some repeat', stats([5, 3, 3, 4]), ['SAMPLES_REPEAT']],
    ['that ranges still grow', stats([1, 2, 3, 4]), ['SAMPLES_FEW']],
    ['nothing of growth within a tenth', stats([3, 5, 5.4, 4]), []],
    ['nothing of growth in so few', stats([1, 2, 3]), []],
    ['nothing of made-up ones', stats([1, 1, 3, 4], 'synthetic'), []],
  ])('%s', (_, given, codes) => {
    expect(sampleLints(given).map((d) => d.code)).toEqual(codes);
  });
});
