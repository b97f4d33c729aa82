import { cpu } from '../../targets/cpu.js';
import { inferred, measured } from '../../targets/facts.js';
import type { Fact, Target } from '../../targets/types.js';
import { layerMacs, PROBES, type Probe, type ProbeId } from './probes.js';

/** What the probes took on a machine. */
export interface Timings {
  schema: 'onnx-quantize/cpu@1';
  /** Processor, threads and onnxruntime's version; another combination is timed anew. */
  machine: string;
  /** Year and month. */
  date: string;
  /** Milliseconds of a run. */
  probes: Record<ProbeId, { floatMs: number; int8Ms: number }>;
}

const FLOAT_BYTES = 4;

/**
 * The machine as a chip that is modelled, its constants from timings of small layers: rates of convolutions and products
 * in float32 and int8, of depthwise ones (vector units), of activations and weights, and the cost of a kernel.
 */
export function cpuTarget(timings: Timings): Target {
  const fact = (value: number, unit: string, probe: string): Fact =>
    measured(value, unit, `this machine, ${probe}: ${timings.machine}`, timings.date);
  const r = rates(timings);
  const peak = (format: 'float' | 'int8') => Math.max(r.convolution[format], r.product[format]);
  const share = (value: number, of: number, probe: string) => fact(value / of, 'share', probe);
  const band = inferred(
    0.5,
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

interface Rate {
  float: number;
  int8: number;
}

const find = (id: ProbeId): Probe => PROBES.find((p) => p.id === id)!;
const elements = (p: Probe): number => p.dims.reduce((n, d) => n * d, 1);
const operations = (p: Probe): number => 2 * layerMacs(p);

/** Operations or bytes a second, what a kernel and its activations take besides taken out. */
function rates({ probes }: Timings) {
  const seconds = (id: ProbeId, format: keyof Rate) =>
    probes[id][format === 'float' ? 'floatMs' : 'int8Ms'] / 1e3;
  const kernelOf = (format: keyof Rate) =>
    (seconds('tiny', format) - seconds('call', format)) / (find('tiny').depth - 1);
  const kernel = kernelOf('float');
  const call = Math.max(0, seconds('call', 'float') - kernel);
  const layer = (id: ProbeId, format: keyof Rate) =>
    (seconds(id, format) - call) / find(id).depth - kernelOf(format);
  const activations = (2 * FLOAT_BYTES * elements(find('element'))) / layer('element', 'float');
  /** Without writing the outputs; never less than a tenth: a probe that is all overhead tells nothing of the rate. */
  const arithmetic = (id: ProbeId) =>
    Math.max(0.1 * layer(id, 'float'), layer(id, 'float') - (FLOAT_BYTES * elements(find(id))) / activations);
  const float = (...ids: ProbeId[]) => total(ids, (id) => operations(find(id))) / total(ids, arithmetic);
  const int8 = integerRates((id) => layer(id, 'int8'));
  /** Two conversions an element-wise layer, each a kernel of floats like itself. */
  const apart = kernelOf('int8') - 3 * kernel;
  const between = layer('element', 'int8') + apart - layer('element', 'float');
  return {
    kernel,
    integerKernel: kernelOf('int8'),
    call,
    activations,
    weights: (FLOAT_BYTES * find('row').dims[1] ** 2) / layer('row', 'float'),
    convolution: { float: float('convolution', 'pointwise'), int8: int8.rate },
    product: { float: float('product'), int8: operations(find('product')) / layer('product', 'int8') },
    depthwise: { float: float('depthwise'), int8: thinRate(layer('depthwise', 'int8'), int8.rounding) },
    rounding: int8.rounding,
    converting: Math.max(0, between / (2 * elements(find('element')))),
  };
}

/** Depthwise layers on 8 bits; rounding their outputs is counted apart, as of every integer kernel. */
function thinRate(seconds: number, rounding: number): number {
  const probe = find('depthwise');
  return operations(probe) / Math.max(0.1 * seconds, seconds - rounding * elements(probe));
}

const total = (ids: readonly ProbeId[], of: (id: ProbeId) => number): number =>
  ids.reduce((sum, id) => sum + of(id), 0);

/** Two convolutions, t = operations / rate + outputs · rounding: one of long filters, one of short ones. */
function integerRates(layer: (id: ProbeId) => number): { rate: number; rounding: number } {
  const [long, short] = [find('convolution'), find('pointwise')];
  const outputs = elements(short) / elements(long);
  const rate =
    (outputs * operations(long) - operations(short)) / (outputs * layer('convolution') - layer('pointwise'));
  const alone = operations(long) / layer('convolution');
  if (!(rate > alone)) return { rate: alone, rounding: 0 };
  return { rate, rounding: Math.max(0, (layer('pointwise') - operations(short) / rate) / elements(short)) };
}
