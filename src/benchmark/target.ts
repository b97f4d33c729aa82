import { cpu } from '../../targets/cpu.js';
import { inferred, measured } from '../../targets/facts.js';
import type { Fact, Target } from '../../targets/types.js';
import type { ProbeId } from './probes.js';
import { rates } from './rates.js';

/** What the probes took on a machine. */
export interface Timings {
  schema: 'onnx-quantize/cpu@2';
  /** Processor, threads and onnxruntime's version; another combination is timed anew. */
  machine: string;
  /** Year and month. */
  date: string;
  /** Milliseconds of a run. */
  probes: Record<ProbeId, { floatMs: Chains; int8Ms: Chains }>;
}

/** Of the short chain and of the long one. */
export type Chains = readonly [number, number];

/** What onnxruntime has kernels for: after a float convolution or product, and between integers. */
const LIBRARY = {
  epilogues: ['Relu', 'LeakyRelu', 'Clip', 'Sigmoid', 'Tanh', 'HardSigmoid', 'Add', 'BatchNormalization'],
  clamps: ['Relu', 'Clip'],
};

/**
 * The machine as a chip that is modelled, its constants from timings of small layers: rates of convolutions and products
 * in float32 and int8, of depthwise ones (vector units), of activations and weights, what onnxruntime's kernels gather,
 * round and decode, and the cost of a kernel.
 */
export function cpuTarget(timings: Timings): Target {
  const fact = (value: number, unit: string, probe: string): Fact =>
    measured(value, unit, `this machine, ${probe}: ${timings.machine}`, timings.date);
  const r = rates(timings);
  const peak = (format: 'float' | 'int8') => Math.max(r.convolution[format], r.product[format]);
  const share = (value: number, of: number, probe: string) => fact(value / of, 'share', probe);
  const band = inferred(
    0.35,
    'share',
    'modelled from timings of this machine; its load may have changed',
    timings.date,
  );
  return {
    ...cpu,
    timing: 'modelled',
    peak: {
      float32: fact(peak('float'), 'op/s', 'the faster of convolutions and products'),
      int8: fact(peak('int8'), 'op/s', 'the faster of convolutions and products'),
    },
    utilisation: {
      float32: share(r.product.float, peak('float'), 'matrix products'),
      int8: share(r.product.int8, peak('int8'), 'matrix products'),
    },
    convUtilisation: {
      float32: share(r.convolution.float, peak('float'), 'convolutions'),
      int8: share(r.convolution.int8, peak('int8'), 'convolutions'),
    },
    vector: fact(r.depthwise.float, 'op/s', 'depthwise convolutions'),
    vectorUtilisation: {
      int8: share(Math.min(r.depthwise.float, r.depthwise.int8), r.depthwise.float, 'depthwise convolutions'),
    },
    array: {
      rows: inferred(1, 'rows', 'products of single rows are as fast as their weights arrive', timings.date),
      columns: inferred(
        16,
        'columns',
        'one vector register of float32 or the next power of two',
        timings.date,
      ),
      depth: inferred(4, 'elements', 'an 8-bit dot product takes four', timings.date),
    },
    convert: fact(r.converting * r.depthwise.float, 'op', 'element-wise layers between Q and DQ'),
    requantize: fact(r.rounding * r.depthwise.float, 'op', 'convolutions of long and of short filters'),
    library: {
      ...LIBRARY,
      gather: fact(r.gather, 's', 'convolutions of 8 channels'),
      walk: fact(r.walk, 's', 'convolutions of 16 and of 64 channels'),
      column: fact(r.column, 's', 'convolutions whose weights are decoded'),
      integerElement: fact(r.integerElement, 's', 'sigmoids of integers'),
      layout: fact(r.layout, 's', 'the ends of a chain of convolutions'),
      decodeRow: fact(r.decodeRow, 's', 'products whose weights are decoded'),
    },
    memory: {
      bytes: inferred(Number.MAX_SAFE_INTEGER, 'bytes', 'the operating system’s matter', timings.date),
      bandwidth: fact(r.weights, 'bytes/s', 'products of one row'),
      efficiency: inferred(1, 'share', 'the bandwidth above is an achieved one', timings.date),
      activationBandwidth: fact(r.activations, 'bytes/s', 'element-wise layers'),
    },
    overhead: {
      dispatch: fact(r.call, 's', 'a run of one layer'),
      kernel: fact(r.kernel, 's', 'tiny layers'),
      integer: fact(Math.max(0, r.integerKernel - r.kernel), 's', 'tiny layers'),
    },
    errorBand: {
      latency: band,
      kinds: Object.fromEntries(
        ['convolutions', 'products'].flatMap((kind) =>
          ['float32', 'int8'].map((format) => [`${kind} ${format}`, band]),
        ),
      ),
      energy: inferred(1, 'share', 'not known', timings.date),
    },
    caveats: [
      'CPU power is not measured',
      `CPU latency is modelled from timings of small layers (${timings.date}, ${timings.machine})`,
    ],
  };
}
