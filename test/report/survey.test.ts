import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { makeNode } from '../../src/ir/graph.js';
import { floatTensor } from '../../src/ir/tensor.js';
import { saveModel } from '../../src/onnx/index.js';
import { type JobOptions, type Survey, survey } from '../../src/pipeline.js';
import { SCHEMES } from '../../src/plan/scheme.js';
import { surveySvg } from '../../src/report/index.js';
import { frontier } from '../../src/report/survey/chart.js';
import type { FormatSurvey } from '../../src/report/survey/types.js';
import { normals } from '../kernels/values.js';
import { makeModel, value } from '../verify/models.js';

const JOB: Omit<JobOptions, 'model'> = { target: 'cpu', scheme: 'int8-perchannel', method: 'mse' };
let folder: string;
let found: Survey;

/** y = x·a·b with Gaussian weights, b a thousandth of a. */
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'survey-'));
  const model = makeModel(
    [makeNode('MatMul', ['x', 'a'], ['h']), makeNode('MatMul', ['h', 'b'], ['y'])],
    [value('x', [1, 128])],
    [value('y', [1, 32])],
    [
      floatTensor('a', [128, 64], normals(128 * 64, 1)),
      floatTensor(
        'b',
        [64, 32],
        normals(64 * 32, 2).map((v) => v / 1000),
      ),
    ],
  );
  const file = join(folder, 'model.onnx');
  await saveModel(model, file);
  found = await survey({ ...JOB, model: file, formats: true, roundingBias: true, seed: 1 });
});
afterAll(() => rmSync(folder, { recursive: true }));

const of = (id: string): FormatSurvey => found.formats!.find((f) => f.id === id)!;

describe('a survey of formats', () => {
  it('looks at every weight and value of a small model', () =>
    expect(found).toMatchObject({ weights: 2, values: 10_240, looked: 10_240 }));

  it('has each listed weight format once', () => {
    const ids = found.formats!.map((f) => f.id);
    expect(new Set(ids).size).toBe(ids.length);
    for (const { id } of SCHEMES.filter((s) => s.id.split('-').length < 3)) expect(ids).toContain(id);
  });

  // Scales by hand: 96 channels, 10,240 / 32 blocks, one float32 a tensor, 16 values a table.
  it.each([
    ['int8-perchannel', 8 + (96 * 32) / 10_240],
    ['int8-perlayer', 8 + (2 * 32) / 10_240],
    ['int4-block32', 5],
    ['mxfp4', 4.25],
    ['nvfp4', 4.5 + (2 * 32) / 10_240],
    ['lut4-perlayer', 4 + (2 * 16 * 32) / 10_240],
    ['bf16', 16],
  ])('%s takes %d bits a value', (id, bits) => expect(of(id).bits).toBeCloseTo(bits, 10));

  // What Gaussian values give (reference figures; ±0.5 dB for 10,240 of them, per-channel maxima are smaller).
  it.each([
    ['fp8-perchannel', 31.6],
    ['mxfp4', 19.1],
    ['nvfp4', 21.2],
    ['bf16', 55.6],
    ['int4-block32', 20.3],
  ])('%s has %d dB', (id, db) => expect(Math.abs(of(id).sqnrDb! - db)).toBeLessThan(0.5));

  it('counts a tensor of small values as much as one of large ones', () => {
    const { sqnrDb, weights } = of('int4-perchannel');
    const [low, high] = weights.map((w) => w.sqnrDb!).sort((a, b) => a - b);
    expect(sqnrDb).toBeGreaterThanOrEqual(low);
    expect(sqnrDb).toBeLessThanOrEqual(high);
  });

  it('keeps shares and entropies in their bounds', () => {
    for (const f of found.formats!) {
      expect(f.entropy, f.id).toBeGreaterThan(0);
      for (const share of [f.utilisation, f.clipped, f.zeros]) {
        expect(share, f.id).toBeGreaterThanOrEqual(0);
        expect(share, f.id).toBeLessThanOrEqual(1);
      }
      expect(f.divergence, f.id).toBeLessThan(f.bits < 3 ? 3 : 0.5);
    }
    expect(found.distribution.reduce((a, b) => a + b, 0)).toBeCloseTo(1, 10);
  });
});

describe('a survey of rounding', () => {
  const mode = (id: string, name: string) =>
    found.rounding!.find((r) => r.id === id)!.modes.find((m) => m.mode === name)!;

  // Within five standard errors: less than one in a million by chance, and the draws are always the same.
  it.each([
    ['int8-perchannel', 'nearest', 0],
    ['int8-perchannel', 'stochastic', 0],
    ['int8-perchannel', 'floor', -0.5],
    ['int8-perchannel', 'ceil', 0.5],
    ['nvfp4', 'stochastic', 0],
  ])('%s, %s: a bias of %d steps', (id, name, wanted) => {
    const { bias, standardError } = mode(id, name);
    expect(Math.abs(bias - wanted)).toBeLessThan(5 * standardError);
  });

  it('the noise of stochastic rounding is √2 times that of nearest', () => {
    const ratio = mode('int8-perchannel', 'stochastic').rms / mode('int8-perchannel', 'nearest').rms;
    expect(Math.abs(ratio - Math.SQRT2)).toBeLessThan(0.05);
  });
});

describe('the picture', () => {
  it('stands alone: no variables of a page, its own namespace, the same bytes again', async () => {
    const svg = await surveySvg(found);
    expect(svg).toMatch(/^<svg [^>]*xmlns="http/);
    expect(svg).not.toContain('var(--');
    for (const id of ['nvfp4', 'lut4-perlayer', 'bits a value']) expect(svg).toContain(id);
    expect(await surveySvg(found)).toBe(svg);
  });

  it('joins the formats that no other beats in both bits and SQNR', () => {
    const format = (id: string, bits: number, sqnrDb: number | null) =>
      ({ id, bits, sqnrDb }) as FormatSurvey;
    const all = [format('a', 4, 20), format('b', 4, 19), format('c', 5, 18), format('d', 8, null)];
    expect(frontier(all).map((f) => f.id)).toEqual(['a', 'd']);
  });
});
