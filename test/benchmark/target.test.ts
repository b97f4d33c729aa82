import { describe, expect, it } from 'vitest';
import { layerMacs, PROBES, type ProbeId, probeModel } from '../../src/benchmark/probes.js';
import { cpuTarget, type Timings } from '../../src/benchmark/target.js';
import { openModel } from '../../src/runtime/index.js';
import { targetProblems } from '../../targets/index.js';

const find = (id: ProbeId) => PROBES.find((p) => p.id === id)!;
const elements = (id: ProbeId) => find(id).dims.reduce((n, d) => n * d, 1);

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
};

function timings(change: Partial<Record<ProbeId, number>> = {}): Timings {
  const m = MACHINE;
  const floatLayer = (id: ProbeId): number => {
    const probe = find(id);
    if (id === 'tiny' || id === 'call') return m.kernel;
    if (id === 'element') return m.kernel + (8 * elements(id)) / m.activations;
    if (id === 'row') return m.kernel + (4 * probe.dims[1] ** 2) / m.weights;
    const rate = id === 'depthwise' ? m.vector : m.float;
    return m.kernel + (2 * layerMacs(probe)) / rate + (4 * elements(id)) / m.activations;
  };
  const int8Layer = (id: ProbeId): number =>
    m.kernel +
    m.integer +
    (id === 'tiny' || id === 'call'
      ? 0
      : (2 * layerMacs(find(id))) / (id === 'depthwise' ? m.thin : m.int8) + m.rounding * elements(id));
  const run = (id: ProbeId, layer: number) => 1e3 * (m.call + find(id).depth * layer) * (change[id] ?? 1);
  const rows = PROBES.map(({ id }) => [
    id,
    { floatMs: run(id, floatLayer(id)), int8Ms: run(id, int8Layer(id)) },
  ]);
  return {
    schema: 'onnx-quantize/cpu@1',
    machine: 'test machine, 2 threads',
    date: '2026-11',
    probes: Object.fromEntries(rows) as Timings['probes'],
  };
}

describe('this machine as a chip', () => {
  const target = cpuTarget(timings());

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
    const session = await openModel(probeModel(probe, integer), { threads: 1 });
    const data = new Float32Array(elements(probe.id)).fill(0.5);
    const outputs = await session.run({ x: { dtype: 'float32', dims: probe.dims, data } });
    const [y] = Object.values(outputs);
    expect(y.dims).toEqual(probe.dims);
    expect((y.data as Float32Array).every(Number.isFinite)).toBe(true);
    await session.release();
  },
);
