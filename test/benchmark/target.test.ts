import { describe, expect, it } from 'vitest';
import { layerMacs, PROBES, type ProbeId, probeModel } from '../../src/benchmark/probes.js';
import { cpuTarget, type Timings } from '../../src/benchmark/target.js';
import { elementCount } from '../../src/ir/tensor.js';
import { openModel } from '../../src/runtime/index.js';
import { targetProblems } from '../../targets/index.js';

const find = (id: ProbeId) => PROBES.find((p) => p.id === id)!;
const elements = (id: ProbeId) => elementCount(find(id).dims);
/** Outputs of a channel times positions of a filter. */
const positions = (id: ProbeId) => {
  const { dims, layer } = find(id);
  return layer.op === 'Conv' && layer.kernel > 1 ? dims[2] * dims[3] * layer.kernel ** 2 : 0;
};

/** A machine of round figures: what each probe takes there, by the model's own form. */
const MACHINE = {
  float: 1e11,
  int8: 4e11,
  vector: 2e10,
  activations: 4e10,
  weights: 5e10,
  thin: 1.5e10,
  kernel: 1e-6,
  integer: 2e-7,
  call: 2e-5,
  rounding: 1e-10,
  gather: 2e-9,
  walk: 5e-10,
  column: 2e-10,
  table: 3e-10,
  converting: 1e-10,
  layout: 2e-10,
  decodeRow: 1.5e-9,
};
const m = MACHINE;

function floatLayer(id: ProbeId): number {
  if (id === 'tiny') return m.kernel;
  if (id === 'element') return m.kernel + (8 * elements(id)) / m.activations;
  if (id === 'row') return m.kernel + (4 * find(id).dims[1] ** 2) / m.weights;
  const rate = id === 'depthwise' ? m.vector : m.float;
  return m.kernel + (2 * layerMacs(find(id))) / rate + (4 * elements(id)) / m.activations;
}

function int8Layer(id: ProbeId): number {
  const count = elements(id);
  const call = m.kernel + m.integer;
  const rate = id === 'depthwise' ? m.thin : m.int8;
  const arithmetic = (2 * layerMacs(find(id))) / rate + m.rounding * count;
  switch (id) {
    case 'tiny':
      return call;
    case 'table':
      return call + m.table * count;
    case 'element':
      return floatLayer(id) + 2 * m.kernel + 2 * m.converting * count;
    case 'decoded':
      return floatLayer(id) + m.kernel + m.column * positions(id) * find(id).dims[1];
    case 'decodedRow':
      return floatLayer(id) + m.kernel + m.decodeRow * count;
    case 'narrow':
      // Eight filters take as long as sixteen.
      return call + arithmetic + (2 * layerMacs(find(id))) / rate + m.gather * positions(id);
    default:
      return call + arithmetic + m.walk * positions(id);
  }
}

const ENDS = 2 * (MACHINE.converting + MACHINE.layout);

function timings(change: Partial<Record<ProbeId, number>> = {}): Timings {
  const rows = PROBES.map(({ id, depths }) => {
    const chains = (layer: number, ends: number) =>
      depths.map((depth) => 1e3 * (m.call + ends + depth * layer * (change[id] ?? 1)));
    const ends = id === 'pointwise' ? ENDS * elements(id) : 0;
    return [id, { floatMs: chains(floatLayer(id), 0), int8Ms: chains(int8Layer(id), ends) }];
  });
  return {
    schema: 'onnx-quantize/cpu@2',
    machine: 'test machine, 2 threads',
    date: '2026-11',
    probes: Object.fromEntries(rows) as Timings['probes'],
  };
}

describe('this machine as a chip', () => {
  const target = cpuTarget(timings());
  const library = target.library!;

  // The probes' times are sums of what is looked for, so it comes back but for rounding.
  it.each([
    ['rate of float32', target.peak.float32.value, MACHINE.float],
    ['rate of int8 convolutions', target.peak.int8.value * target.convUtilisation!.int8.value, MACHINE.int8],
    ['vector units', target.vector!.value, MACHINE.vector],
    ['activations', target.memory!.activationBandwidth!.value, MACHINE.activations],
    ['weights', target.memory!.bandwidth.value, MACHINE.weights],
    ['a kernel', target.overhead!.kernel.value, MACHINE.kernel],
    ['what integers add to it', target.overhead!.integer!.value, MACHINE.integer],
    ['vector units on 8 bits', target.vectorUtilisation!.int8.value * target.vector!.value, MACHINE.thin],
    ['a call', target.overhead!.dispatch.value, MACHINE.call],
    ['rounding an output', target.requantize!.value / target.vector!.value, MACHINE.rounding],
    ['turning a value', target.convert!.value / target.vector!.value, MACHINE.converting],
    ['gathering', library.gather.value, MACHINE.gather],
    ['walking', library.walk.value, MACHINE.walk],
    ['a float column', library.column.value, MACHINE.column],
    ['an integer element', library.integerElement.value, MACHINE.table],
    ['another layout', library.layout.value, MACHINE.layout],
    ['decoding along rows', library.decodeRow.value, MACHINE.decodeRow],
  ])('%s', (_, found, wanted) => {
    expect(found / wanted).toBeCloseTo(1, 6);
  });

  it('is a target like every other, and says what it rests on', () => {
    expect(targetProblems(JSON.parse(JSON.stringify(target)))).toEqual([]);
    expect(target.timing).toBe('modelled');
    expect(target.peak.float32).toMatchObject({ kind: 'measured', date: '2026-11' });
    expect(target.caveats.join()).toContain('test machine');
  });

  it('stays sane when short filters seem as fast as long ones', () => {
    const odd = cpuTarget(timings({ pointwise: 0.01 }));
    for (const fact of [odd.peak.int8, odd.convUtilisation!.int8, odd.requantize!])
      expect(fact.value).toBeGreaterThanOrEqual(0);
  });
});

it.each(PROBES.flatMap((p) => [false, true].map((integer) => [p.id, integer, p] as const)))(
  'probe %s runs (integer: %s) and stays finite',
  async (_, integer, probe) => {
    const session = await openModel(probeModel(probe, probe.depths[0], integer), { threads: 1 });
    const data = new Float32Array(elements(probe.id)).fill(0.5);
    const outputs = await session.run({ x: { dtype: 'float32', dims: probe.dims, data } });
    const [y] = Object.values(outputs);
    expect(y.dims).toEqual(probe.dims);
    expect((y.data as Float32Array).every(Number.isFinite)).toBe(true);
    await session.release();
  },
);
