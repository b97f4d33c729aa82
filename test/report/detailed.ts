import type { DetailedReport } from '../../src/report/details.js';
import { buildReport, type Report } from '../../src/report/index.js';
import { findTarget } from '../../targets/index.js';
import { fullPlan, mobilenetV2 } from './shapes.js';

/** What a page must not take for markup. */
const KEPT = { entropyBits: 4, mutualBits: 3, divergenceBits: 0.01 };

export const HOSTILE = '</script><script>alert(1)</script><img src=x onerror=alert(2)>"\'&amp;\u0000';

const modelled = (value: number, unit: string) => ({ value, unit, kind: 'modelled' as const, band: 0.3 });

/** A report with every part that a page can show, whatever the cost model of the chip knows. */
export function fullReport(target = 'h100', scheme = 'int8-perchannel'): Report {
  const b = mobilenetV2();
  const prepared = b.build();
  const report = buildReport({
    name: `models/${HOSTILE}.onnx`,
    loaded: { model: prepared, sha256: 'a'.repeat(64), bytes: 14_000_000 },
    prepared,
    types: b.types,
    target: findTarget(target)!,
    plan: { ...fullPlan(b), scheme },
    quantizedBytes: 3_600_000,
    calibration: { kind: 'real', source: '128 images', samples: 128 },
    metrics: {
      samples: 100,
      evidence: 'evaluation',
      source: `100 images in ${HOSTILE}`,
      outputs: [{ output: HOSTILE, sqnrDb: 21.5, cosine: 0.996, maxAbsError: 1.25, top1Agreement: 0.95 }],
      top1: { float: 0.8, quantized: 0.79, drop: 1, dropInterval: [-1.2, 3.4], rows: 100 },
      optimisedSqnrDb: null,
      latency: { floatMs: 12, quantizedMs: 6, threads: 2 },
    },
  });
  const energyParts = { compute: 3, onChip: 1, memory: 2, static: 4, call: 0.5 };
  return {
    ...report,
    run: { batch: 1, dims: {} },
    float: { ...report.float, energyParts },
    quantized: { ...report.quantized, energyParts },
    roofline: {
      formats: [
        { format: 'int8', peak: 1979e12, reached: 1400e12 },
        { format: 'float16', peak: 989e12, reached: 790e12 },
      ],
      memory: { peak: 3.35e12, reached: 2.67e12 },
    },
    layers: report.layers.map((row, i) => ({
      ...row,
      node: i === 3 ? HOSTILE : row.node,
      operations: i === 5 ? 0 : 2 * row.macs + 10,
      bytes: i === 6 ? 0 : row.quantizedBytes,
      timeUs: modelled(2.5 + i, 'µs'),
      floatTimeUs: modelled(4 + i, 'µs'),
      energyUj: modelled(10 + i, 'µJ'),
      liveBytes: 1e6 / (i + 1),
      bound: (['compute', 'memory', 'overhead'] as const)[i % 3],
      ...(i === 7 && { runsOn: 'cpu', reason: 'no integer form' }),
    })),
    caveats: [...report.caveats, HOSTILE],
  };
}

export function detailedReport(report = fullReport()): DetailedReport {
  const bins = { from: -1, to: 3, counts: [0, 5, 100, 2, 1] };
  return {
    report,
    plan: fullPlan(mobilenetV2()),
    distributions: [
      { tensor: HOSTILE, kind: 'weight', format: 'int8', ...bins },
      { tensor: 'y', kind: 'activation', format: 'int8', ...bins, clip: [-2, 2], clipped: 0.01 },
    ],
    layerErrors: [
      { tensor: 'a', sqnrDb: 40, maxAbsError: 0.1, ...KEPT },
      { tensor: HOSTILE, sqnrDb: 20, maxAbsError: 0.2, ...KEPT },
      { tensor: 'equal', sqnrDb: null, maxAbsError: 0, ...KEPT },
    ],
    provenance: {
      tool: 'onnx-quantize 0.0.0',
      versions: { node: '20', 'onnxruntime-node': '1.30.0' },
      platform: 'linux x64',
      options: { target: 'h100', calibration: HOSTILE },
    },
  };
}
