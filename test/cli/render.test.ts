import { describe, expect, it } from 'vitest';
import type { Inspection } from '../../src/cli/engine.js';
import { renderInspection } from '../../src/cli/render/inspection.js';
import { metricsMarkdown, renderMetrics } from '../../src/cli/render/metrics.js';
import { renderReport } from '../../src/cli/render/report.js';
import { createTerminal, visibleLength } from '../../src/cli/render/terminal.js';
import { byteText, changeText, countText, digits } from '../../src/cli/render/units.js';
import type { Figure, Report } from '../../src/report/types.js';
import type { Metrics } from '../../src/verify/types.js';

describe('units', () => {
  it.each([
    [0, '0'],
    [0.00012345, '1.2e-4'],
    [0.0123456, '0.0123'],
    [1.5, '1.5'],
    [2, '2'],
    [10.04, '10'],
    [99.96, '100'],
    [123456, '123456'],
    [-3.256, '-3.26'],
    [Number.POSITIVE_INFINITY, 'Infinity'],
    [Number.NaN, 'NaN'],
  ])('digits(%d) = %s', (value, text) => expect(digits(value)).toBe(text));

  it.each([
    [0, '0 B'],
    [999, '999 B'],
    [1000, '1 kB'],
    [999_999, '1 MB'],
    [13_964_571, '14 MB'],
    [2.5e9, '2.5 GB'],
  ])('byteText(%d) = %s', (value, text) => expect(byteText(value)).toBe(text));

  it.each([
    [17, '17'],
    [300_774_272, '301 M'],
    [1.5e15, '1500 T'],
  ])('countText(%d) = %s', (value, text) => expect(countText(value)).toBe(text));

  it.each([
    [4, 1, '4× smaller'],
    [1, 1.1, '1.1× larger'],
    [1, 1.001, 'the same'],
    [1, 0, ''],
    [0, 1, ''],
    [Number.NaN, 1, ''],
  ])('changeText(%d, %d) = %s', (before, after, text) =>
    expect(changeText(before, after, 'smaller', 'larger')).toBe(text),
  );
});

describe('a table', () => {
  const head = ['node', 'n', 'reason'];
  const rows = [
    [
      'conv1',
      '12',
      'per-tensor, because a grouped ConvTranspose has no axis that could be expressed in one scale each',
    ],
    [`a/very/${'long/'.repeat(40)}name`, '3', ''],
  ];

  it.each([60, 80, 100, 200])('fits into %d columns', (width) => {
    const lines = createTerminal(width, false).table(head, rows, [1]).split('\n');
    expect(Math.max(...lines.map(visibleLength))).toBeLessThanOrEqual(width);
  });

  it('leaves names their ends, which tell them apart', () => {
    const names = ['first', 'second'].map((name) => [`a/very/${'long/'.repeat(40)}${name}`, 'x'.repeat(60)]);
    const text = createTerminal(80, false).table(['node', ''], names);
    expect(text).toMatch(/a\/very\S*…\S*\/first.*\n.*a\/very\S*…\S*\/second/);
  });

  it('becomes blocks on a narrow terminal', () => {
    expect(
      createTerminal(40, false).table(head, [
        ['conv1', '12', 'why'],
        ['x', '', 'because'],
      ]),
    ).toBe('conv1\n  n: 12\n  reason: why\nx\n  reason: because');
  });

  it('is coloured only when asked', () => {
    expect(createTerminal(80, false).table(head, rows)).not.toContain('\x1b');
    expect(createTerminal(80, true).table(head, rows)).toContain('\x1b[1mnode');
  });

  it('may be empty', () => expect(createTerminal(80, false).table(head, []).trim()).toContain('node'));
});

const figure = (value: number, unit: string): Figure => ({ value, unit, kind: 'modelled', band: 0.3 });
const METRICS: Metrics = {
  samples: 1000,
  evidence: 'evaluation',
  source: '1000 samples in eval.npz',
  outputs: [{ output: 'logits', sqnrDb: 31.25, cosine: 0.99971, maxAbsError: 0.31, top1Agreement: 0.994 }],
  top1: { float: 0.981, quantized: 0.979, drop: 0.2, dropInterval: [-0.11, 0.52] },
  optimisedSqnrDb: null,
};
const REPORT: Report = {
  schema: 'onnx-quantize/report@1',
  model: { name: 'net.onnx', sha256: 'ab', opset: 13, nodes: 5, parameters: 12000 },
  target: { id: 'a17-ane', name: 'Apple A17 Pro Neural Engine' },
  scheme: 'int8-perchannel',
  method: 'mse',
  calibration: { kind: 'synthetic', source: 'made up', samples: 8 },
  size: {
    floatBytes: 48000,
    quantizedBytes: 12500,
    ratio: 3.84,
    floatParameterBytes: 47000,
    quantizedParameterBytes: 12000,
  },
  macs: 1_000_000,
  coverage: { parameters: 0.99, macs: 1 },
  metrics: METRICS,
  float: { latencyMs: figure(2, 'ms'), throughput: figure(500, '1/s'), energyMj: figure(3, 'mJ') },
  quantized: { latencyMs: figure(1, 'ms'), throughput: figure(1000, '1/s'), energyMj: figure(1, 'mJ') },
  layers: [],
  leftInFloat: Array.from({ length: 14 }, (_, i) => ({
    node: `n${i}`,
    opType: 'Softmax',
    reason: 'no integer form',
  })),
  caveats: ['synthetic calibration: no evidence about accuracy'],
};

describe('a report on a terminal', () => {
  const text = renderReport(REPORT, createTerminal(100, false), false);

  it.each([
    ['what a modelled figure is', 'modelled ±30 %'],
    ['sizes', '48 kB'],
    ['the change', '3.84× smaller'],
    ['speed', '2× faster'],
    ['accuracy with its interval', '98.10 % → 97.90 %: 0.20 points lost (95 % interval -0.11 to 0.52)'],
    ['SQNR', '31.3 dB'],
    ['how many stay in float', 'left in float: 14 nodes'],
    ['that the list goes on', '… and 4 more; --verbose shows all'],
    ['caveats', '! synthetic calibration: no evidence about accuracy'],
  ])('says %s', (_what, said) => expect(text).toContain(said));

  it('shows every row with --verbose', () =>
    expect(renderReport(REPORT, createTerminal(100, false), true)).toContain('n13'));
});

describe('metrics', () => {
  it.each([
    ['evaluation', 'compared on 1000 evaluation samples'],
    ['calibration', 'which the ranges were fitted to'],
    ['synthetic', 'which prove nothing about accuracy'],
  ] as const)('say what they were compared on: %s', (evidence, said) => {
    expect(renderMetrics({ ...METRICS, evidence }, createTerminal(100, false))).toContain(said);
    expect(metricsMarkdown({ ...METRICS, evidence })).toContain(said);
  });

  it('call a gain a gain', () => {
    const top1 = { float: 0.97, quantized: 0.98, drop: -1, dropInterval: [-2.15, 0.14] as [number, number] };
    expect(metricsMarkdown({ ...METRICS, top1 })).toContain(
      '97.00 % → 98.00 %: 1.00 points gained (95 % interval of the loss -2.15 to 0.14)',
    );
  });

  it('have no columns that nothing fills', () => {
    const { top1Agreement: _, ...output } = METRICS.outputs[0];
    const table = (outputs: Metrics['outputs']) =>
      renderMetrics({ ...METRICS, outputs }, createTerminal(100, false));
    expect(table(METRICS.outputs)).toContain('same top-1');
    expect(table([output])).not.toMatch(/same top-1|KL/);
  });

  it('do not hide NaN and changed shapes', () => {
    const outputs = [{ ...METRICS.outputs[0], nonFinite: { float: 1, quantized: 2 }, shapeMismatches: 3 }];
    const said = metricsMarkdown({ ...METRICS, outputs });
    expect(said).toContain('1 NaN or Inf in FP32, 2 more in the quantized model');
    expect(said).toContain('3 samples gave another shape');
  });
});

describe('an inspection', () => {
  const inspection: Inspection = {
    schema: 'onnx-quantize/inspection@1',
    file: 'net.onnx',
    sha256: 'ab',
    bytes: 48000,
    irVersion: 8,
    opsets: { 'ai.onnx': 13 },
    producer: 'pytorch 2',
    inputs: [{ name: 'x', dtype: 'float32', dims: ['N', 3, 32, 32] }],
    outputs: [{ name: 'y', dims: [] }],
    nodes: 2,
    operators: { Conv: 1, Softmax: 7 },
    parameters: 12000,
    dtypes: { float32: 12000 },
    quantized: false,
    target: 'cpu',
    scheme: 'int8-perchannel',
    integer: [{ node: 'conv', opType: 'Conv', reason: 'convolution' }],
    float: [{ node: 'soft', opType: 'Softmax', reason: 'no integer form' }],
    hazards: [{ level: 'warning', code: 'X', message: 'one channel is 1000 times wider' }],
  };

  it('says what is in the model, what runs and what hurts', () => {
    const text = renderInspection(inspection, createTerminal(100, false), false);
    for (const said of ['N×3×32×32', '1 of 2 nodes', 'no integer form', '! one channel', 'made by pytorch 2'])
      expect(text).toContain(said);
    expect(text.indexOf('Softmax')).toBeLessThan(text.indexOf('Conv '));
  });

  it('says that a quantized model would be refused', () => {
    const text = renderInspection({ ...inspection, quantized: true }, createTerminal(100, false), false);
    expect(text).toContain('already quantized');
  });
});
