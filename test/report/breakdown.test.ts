import { describe, expect, it } from 'vitest';
import { operatorBreakdown } from '../../src/report/breakdown.js';
import { consequences, fallbacks, operatorTable } from '../../src/report/index.js';
import type { LayerRow } from '../../src/report/types.js';
import { fullReport } from './detailed.js';

const row = (opType: string, us: number, change: Partial<LayerRow> = {}): LayerRow => ({
  node: opType,
  opType,
  parameters: 0,
  floatBytes: 0,
  quantizedBytes: 10,
  macs: 0,
  computes: 'int8',
  timeUs: { value: us, unit: 'µs', kind: 'modelled' },
  bound: 'memory',
  operations: 1e9,
  bytes: 1000,
  ...change,
});

describe('time by operator', () => {
  const rows = [
    row('Conv', 3, { bound: 'compute' }),
    row('Add', 5),
    row('Conv', 4),
    row('Conv', 2, { bound: 'compute' }),
  ];

  it('sums the kernels of a type, the longest first, with what binds most of their time', () => {
    expect(operatorBreakdown(rows)).toEqual([
      {
        opType: 'Conv',
        count: 3,
        microseconds: 9,
        share: 9 / 14,
        operations: 3e9,
        bytes: 3000,
        parameterBytes: 30,
        bound: 'compute',
      },
      {
        opType: 'Add',
        count: 1,
        microseconds: 5,
        share: 5 / 14,
        operations: 1e9,
        bytes: 1000,
        parameterBytes: 10,
        bound: 'memory',
      },
    ]);
  });

  it('is a table that ends in the sum', () => {
    const { head, rows: texts, numeric } = operatorTable(rows);
    expect(texts.map((cells) => cells.length)).toEqual([9, 9, 9]);
    expect(head).toHaveLength(9);
    expect(texts.at(-1)).toEqual(['all', '4', '3.5', '14', '100.0 %', '4', '0.286', '40 B', 'compute']);
    expect(Math.max(...numeric)).toBeLessThan(9);
  });

  it.each<[string, LayerRow[]]>([
    ['no kernels', []],
    ['no times', [row('Conv', 1, { timeUs: undefined })]],
  ])('is empty: %s', (_, none) => expect(operatorTable(none).rows).toEqual([]));

  it('tells the kernels that leave the chip', () => {
    const away = row('NonMaxSuppression', 9, { runsOn: 'cpu', reason: 'no such operator' });
    expect(fallbacks([...rows, away])).toEqual([away]);
  });
});

describe('what follows', () => {
  const figure = { value: 2, unit: 'J', kind: 'modelled' as const, band: 0.5 };
  const base = fullReport();
  const of = (change: object) => Object.fromEntries(consequences({ ...base, run: undefined, ...change }));

  it.each<[what: string, change: object, name: string, text: RegExp]>([
    [
      'the run',
      { run: { batch: 8, dims: { batch_size: 8, sequence: 128 } } },
      'run',
      /^batch 8, sequence 128$/,
    ],
    [
      'memory that is too small',
      {
        quantized: {
          ...base.quantized,
          memory: { weightBytes: 7e9, activationBytes: 1e9, cacheBytes: 2e9, totalBytes: 1e10, fits: false },
        },
      },
      'memory',
      /^7 GB weights \+ 1 GB activations at most \+ 2 GB cache: does not fit NVIDIA/,
    ],
    [
      'batches',
      { saturation: { batch: 64, throughput: figure } },
      'batch',
      /^64 comes within .*, 2 J \(modelled ±50 %\)$/,
    ],
    [
      'chips',
      { chips: { count: 4, memoryEachBytes: 1e9, latencyMs: figure } },
      'chips',
      /^4 with .*, 1 GB each, 2 J/,
    ],
    [
      'battery',
      { battery: { wattHours: 12.7, sharePer1000: figure, hours: figure, sustained: figure } },
      'battery',
      /^1,000 samples take .* of 12\.7 Wh; .* sustained 2 J/,
    ],
    [
      'cost',
      { datacentre: { pricePerKwh: 0.12, joulesPer1000: figure, costPerMillion: figure } },
      'cost',
      /at 0\.12 a kWh, the chip alone$/,
    ],
  ])('%s', (_, change, name, text) => expect(of(change)[name]).toMatch(text));

  it('is silent where nothing is known', () => {
    const measured = { latencyMs: figure, throughput: figure };
    const bare = { quantized: measured, layers: [], saturation: undefined, datacentre: undefined };
    expect(of(bare)).toEqual({});
  });
});
