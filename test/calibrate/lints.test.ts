import { describe, expect, it } from 'vitest';
import { emptyStats } from '../../src/calibrate/accumulate.js';
import { layoutLints } from '../../src/calibrate/layout.js';
import { sampleLints } from '../../src/calibrate/lints.js';
import { normalisationLints } from '../../src/calibrate/normalisation.js';
import type { Stats } from '../../src/calibrate/types.js';
import type { SampleSource } from '../../src/data/types.js';
import { makeNode } from '../../src/ir/graph.js';
import { floatTensor } from '../../src/ir/tensor.js';
import { source } from '../emit/emitted.js';
import { conv, network } from '../plan/cases.js';

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

/** A picture that gets lighter from left to right in each of its colours, which lie far apart. */
const picture = (alternating: boolean): SampleSource => ({
  ...{ description: 'one', kind: 'real', count: 1 },
  async *samples() {
    const at = (c: number, i: number) => 100 * c + (i % 8);
    const data = Float32Array.from({ length: 192 }, (_, i) =>
      alternating ? at(i % 3, Math.floor(i / 3)) : at(Math.floor(i / 64), i),
    );
    yield { id: '0', index: 0, feeds: { x: { dtype: 'float32', dims: [1, 3, 8, 8], data } } };
  },
});

describe('what pictures say of their layout', () => {
  it.each([
    ['nothing of planes', false, []],
    ['that colours alternate', true, ['SAMPLES_LAYOUT']],
  ])('%s', async (_, alternating, codes) => {
    expect((await layoutLints(picture(alternating))).map((d) => d.code)).toEqual(codes);
  });
});

describe('what normalisations remember of the training data', () => {
  const dims = [1, 4, 6, 6];
  // Sums of four uniforms in −1…1: mean 0, variance 4/3.
  const trained = (variance: number, mean = 0) =>
    network({
      nodes: [makeNode('BatchNormalization', ['x', 'g', 'h', 'm', 'v'], ['n']), conv('n', 'w1', 'y')],
      inputs: { x: dims },
      outputs: ['y'],
      initializers: Object.entries({ g: 1, h: 0, m: mean, v: variance }).map(([name, value]) =>
        floatTensor(name, [4], Array(4).fill(value)),
      ),
    });
  it.each([
    ['the same data', trained(4 / 3), []],
    ['data of half the spread', trained(1 / 3), []],
    ['data in 0…1 where these are in 0…255', trained(4 / 3 / 255 ** 2), ['SAMPLES_SCALE']],
    ['data around another mean', trained(4 / 3, 5), ['SAMPLES_SCALE']],
  ])('%s', async (_, model, codes) => {
    const found = await normalisationLints(model, source({ x: dims }));
    expect(found.map((d) => d.code)).toEqual(codes);
  });
  it('nothing of made-up samples, or without normalisations', async () => {
    const made = { ...source({ x: dims }), kind: 'synthetic' as const };
    expect(await normalisationLints(trained(1e-4), made)).toEqual([]);
    const plain = network({ nodes: [conv('x', 'w1', 'y')], outputs: ['y'] });
    expect(await normalisationLints(plain, source({ x: dims }))).toEqual([]);
  });
});
