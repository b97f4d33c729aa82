import { describe, expect, it } from 'vitest';
import { QuantizeError } from '../../src/errors.js';
import { checkGates, type Gates } from '../../src/verify/gates.js';
import type { Metrics, OutputMetrics } from '../../src/verify/types.js';

const output = (extra: Partial<OutputMetrics> = {}): OutputMetrics => ({
  output: 'y',
  sqnrDb: 20,
  cosine: 1,
  maxAbsError: 0,
  ...extra,
});
const metrics = (extra: Partial<Metrics> = {}): Metrics => ({
  samples: 200,
  evidence: 'evaluation',
  source: 'rows',
  outputs: [output({ top1Agreement: 0.995 })],
  optimisedSqnrDb: null,
  ...extra,
});
const top1 = (drop: number): Metrics['top1'] => ({
  float: 0.9,
  quantized: 0.9 - drop / 100,
  drop,
  dropInterval: [drop - 1, drop + 1],
});

function code(m: Metrics, gates: Gates): string {
  try {
    checkGates(m, gates);
    return 'passed';
  } catch (error) {
    if (!(error instanceof QuantizeError)) throw error;
    return `${error.code} ${error.exitCode}`;
  }
}

describe('gates', () => {
  it.each([
    ['no gates', metrics({ outputs: [output({ sqnrDb: -5 })] }), {}, 'passed'],
    ['drop within', metrics({ top1: top1(0.5) }), { maxAccuracyDrop: 0.5 }, 'passed'],
    ['drop beyond', metrics({ top1: top1(0.6) }), { maxAccuracyDrop: 0.5 }, 'ACCURACY_GATE 5'],
    ['a gain', metrics({ top1: top1(-1) }), { maxAccuracyDrop: 0 }, 'passed'],
    ['no labels, agreement within', metrics(), { maxAccuracyDrop: 0.5 }, 'passed'],
    ['no labels, agreement below', metrics(), { maxAccuracyDrop: 0.4 }, 'ACCURACY_GATE 5'],
    [
      'calibration samples count, as agreement',
      metrics({ evidence: 'calibration' }),
      { maxAccuracyDrop: 0.5 },
      'passed',
    ],
    ['synthetic inputs', metrics({ evidence: 'synthetic' }), { maxAccuracyDrop: 50 }, 'ACCURACY_GATE 5'],
    ['no classifier', metrics({ outputs: [output()] }), { maxAccuracyDrop: 0.5 }, 'ACCURACY_UNKNOWN 2'],
    ['no outputs', metrics({ outputs: [] }), { maxAccuracyDrop: 0.5 }, 'ACCURACY_UNKNOWN 2'],
    ['SQNR at the limit', metrics(), { minSqnr: 20 }, 'passed'],
    ['SQNR below', metrics(), { minSqnr: 20.01 }, 'SQNR_GATE 5'],
    [
      'one output of two below',
      metrics({ outputs: [output(), output({ sqnrDb: 3 })] }),
      { minSqnr: 10 },
      'SQNR_GATE 5',
    ],
    ['equal', metrics({ outputs: [output({ sqnrDb: null })] }), { minSqnr: 99 }, 'passed'],
    [
      'NaN made by quantization, SQNR',
      metrics({ outputs: [output({ sqnrDb: null, nonFinite: { float: 0, quantized: 1 } })] }),
      { minSqnr: 5 },
      'SQNR_GATE 5',
    ],
    [
      'NaN made by quantization, accuracy',
      metrics({ top1: top1(0), outputs: [output({ nonFinite: { float: 0, quantized: 1 } })] }),
      { maxAccuracyDrop: 5 },
      'ACCURACY_GATE 5',
    ],
    [
      'NaN of the float model alone',
      metrics({ outputs: [output({ nonFinite: { float: 3, quantized: 0 } })] }),
      { minSqnr: 5 },
      'passed',
    ],
    ['another shape', metrics({ outputs: [output({ shapeMismatches: 1 })] }), { minSqnr: 5 }, 'SQNR_GATE 5'],
  ] as [string, Metrics, Gates, string][])('%s', (_, m, gates, want) => {
    expect(code(m, gates)).toBe(want);
  });

  it('says figure, interval and limit', () => {
    expect(() => checkGates(metrics({ top1: top1(2) }), { maxAccuracyDrop: 0.5 })).toThrow(
      'top-1 accuracy fell by 2.00 points (95 % interval 1.00 to 3.00), limit 0.5',
    );
    expect(() => checkGates(metrics(), { minSqnr: 25 })).toThrow('SQNR of 20.00 dB, limit 25 dB');
  });
});
