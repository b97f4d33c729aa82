import { existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterAll, describe, expect, it } from 'vitest';
import { decodeStats, encodeStats, readStats, writeStats } from '../../src/calibrate/index.js';
import { add, contains, type Runs, size, union } from '../../src/calibrate/runs.js';
import type { Stats } from '../../src/calibrate/types.js';
import { QuantizeError } from '../../src/errors.js';
import { statsOf, TENSORS } from './stats.js';

const folder = mkdtempSync(join(tmpdir(), 'quantize-test-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const stats: Stats = {
  modelHash: 'm',
  settingsHash: 's',
  kind: 'real',
  source: '3 images',
  samples: [
    [0, 1],
    [4, 4],
  ],
  sampleCount: 3,
  tensors: new Map(Object.entries(TENSORS).map(([name, values]) => [name, statsOf(values)])),
};
stats.tensors.set('nothing', { ...statsOf(new Float32Array(0)), extremes: [] });
stats.tensors.set('bad', {
  ...statsOf(Float32Array.of(1, Number.NaN)),
  firstBadSample: 'a',
  firstBadIndex: 4,
});
stats.tensors.set('range', {
  ...statsOf(Float32Array.of(1)),
  positive: new Float64Array(0),
  negative: new Float64Array(0),
});
for (const t of stats.tensors.values())
  t.extremes = t.extremes
    .filter((e) => Number.isFinite(e.min))
    .map((e) => ({ ...e, min: e.min + 0, max: e.max + 0 }));

const codeOf = (work: () => unknown): string => {
  try {
    work();
  } catch (error) {
    if (error instanceof QuantizeError) return error.code;
    throw error;
  }
  return 'no error';
};

const sorted = (s: Stats) => [...s.tensors].sort(([a], [b]) => (a < b ? -1 : 1));

describe('statistics files', () => {
  it('give back what was written', () => {
    const back = decodeStats(encodeStats(stats));
    expect(sorted(back)).toEqual(sorted(stats));
    expect({ ...back, tensors: 0 }).toEqual({ ...stats, tensors: 0 });
  });

  it('are the same bytes for the same statistics', () => {
    const turned = { ...stats, tensors: new Map([...stats.tensors].reverse()) };
    expect(Buffer.compare(encodeStats(stats), encodeStats(turned))).toBe(0);
  });

  const bytes = encodeStats(stats);
  const changed = (change: (json: Record<string, never>) => unknown) => {
    const json = { schema: 'onnx-quantize/stats@1', ...stats, tensors: [] as unknown[] };
    return gzipSync(JSON.stringify(change(json as never)));
  };
  const tensor = (fields: object) =>
    changed((json) => ({
      ...(json as object),
      tensors: [['t', { count: 1, nan: 0, inf: 0, min: 0, max: 1, extremes: [], ...fields }]],
    }));
  it.each([
    ['untouched', tensor({}), 'no error'],
    ['empty', new Uint8Array(0), 'STATS_FORMAT'],
    ['text', Buffer.from('{"tensors": []}'), 'STATS_FORMAT'],
    ['truncated', bytes.subarray(0, bytes.length / 2), 'STATS_DAMAGED'],
    ['one bit flipped', bytes.map((b, i) => (i === 400 ? b ^ 4 : b)), 'STATS_DAMAGED'],
    ['not JSON', gzipSync('nonsense'), 'STATS_DAMAGED'],
    ['null', gzipSync('null'), 'STATS_FORMAT'],
    ['another schema', changed((json) => ({ ...(json as object), schema: 'other@1' })), 'STATS_FORMAT'],
    ['no hash', changed(({ modelHash, ...rest }) => rest), 'STATS_DAMAGED'],
    [
      'overlapping runs',
      changed((json) => ({
        ...(json as object),
        samples: [
          [0, 3],
          [2, 4],
        ],
      })),
      'STATS_DAMAGED',
    ],
    ['a bucket that is none', tensor({ positive: [9000, 1], negative: [] }), 'STATS_DAMAGED'],
    ['a negative count', tensor({ positive: [9, -1], negative: [] }), 'STATS_DAMAGED'],
    ['an odd list', tensor({ positive: [9], negative: [] }), 'STATS_DAMAGED'],
    ['a count of text', tensor({ count: 'many' }), 'STATS_DAMAGED'],
    ['too many extremes', tensor({ extremes: Array(3 * 4097).fill(0) }), 'STATS_DAMAGED'],
  ])('%s', (_, data, code) => expect(codeOf(() => decodeStats(data))).toBe(code));

  it('are written whole or not at all', async () => {
    const file = join(folder, 'a.stats');
    await writeStats(stats, file);
    expect(readStats(file, 'm').sampleCount).toBe(3);
    expect(codeOf(() => readStats(file, 'other'))).toBe('STATS_OTHER_MODEL');
    expect(codeOf(() => readStats(join(folder, 'absent')))).toBe('STATS_NOT_FOUND');
    expect(readdirSync(folder)).toEqual(['a.stats']);
    await expect(writeStats(stats, join(folder, 'no such folder', 'b'))).rejects.toMatchObject({
      code: 'STATS_WRITE',
    });
    writeFileSync(join(folder, 'plain'), '');
    expect(existsSync(join(folder, 'no such folder'))).toBe(false);
  });
});

describe('runs of sample indices', () => {
  it('grow in any order to the same runs', () => {
    for (const order of [
      [0, 1, 2, 5, 6],
      [6, 5, 2, 1, 0],
      [5, 1, 0, 6, 2],
    ]) {
      const runs: Runs = [];
      for (const index of order) add(runs, index);
      expect(runs).toEqual([
        [0, 2],
        [5, 6],
      ]);
      expect(size(runs)).toBe(5);
      expect([0, 2, 3, 4, 5, 7].map((i) => contains(runs, i))).toEqual([
        true,
        true,
        false,
        false,
        true,
        false,
      ]);
    }
  });

  it('unite, or say where they overlap', () => {
    expect(
      union([
        [
          [0, 0],
          [2, 2],
        ],
        [
          [1, 1],
          [5, 6],
        ],
      ]),
    ).toEqual({
      runs: [
        [0, 2],
        [5, 6],
      ],
    });
    expect(union([[[0, 3]], [[3, 4]]])).toEqual({ overlap: 3 });
  });
});
