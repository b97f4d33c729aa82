import { describe, expect, it } from 'vitest';
import { makeAttribute, makeNode } from '../../src/ir/graph.js';
import { modelCost } from '../../src/report/cost.js';
import { lower } from '../../src/report/kernels.js';
import { parameterNames } from '../../src/report/parameters.js';
import { floatPlacement, planPlacement } from '../../src/report/placement.js';
import { shapesOf } from '../../src/report/shapes.js';
import { scaleBytes } from '../../src/report/stored.js';
import type { Fact, Fusion, Target } from '../../targets/types.js';
import { makeModel, value } from '../verify/models.js';
import { Builder, convStack, fullPlan } from './shapes.js';

const fact = (v: number): Fact => ({ value: v, unit: '', kind: 'inferred', source: 'test', date: '2026-01' });

/** Round figures: 1 T op/s float16, 2 T int8, all of it reached; 1 GB/s; no overheads unless given. */
const chip = (change: Partial<Target> = {}): Target => ({
  id: 'test',
  name: 'test chip',
  aliases: [],
  description: '',
  timing: 'modelled',
  activations: { format: 'int8', symmetric: true, reason: '' },
  floatFormat: 'float16',
  kernelOutputs: 'float',
  peak: { float16: fact(1e12), int8: fact(2e12) },
  utilisation: { float16: fact(1), int8: fact(1) },
  memory: { bytes: fact(1e9), bandwidth: fact(1e9), efficiency: fact(1) },
  overhead: { dispatch: fact(0), kernel: fact(0) },
  integerOperators: ['*'],
  errorBand: { latency: fact(0.3), energy: fact(1) },
  caveats: [],
  ...change,
});

/** y = x·W, [1, 1000] by [1000, 1000]: 1 MMAC; float16 bytes: x 2,000, W 2,000,000, y 2,000. */
function product(): Builder {
  const b = new Builder([1, 1000]);
  b.node('MatMul', ['input', b.constant('w', [1000, 1000])], [1, 1000]);
  return b;
}

function cost(b: Builder, target: Target, int8 = false) {
  const model = b.build();
  const shapes = shapesOf(model, b.types);
  const lowering = lower(model, shapes);
  const parameters = parameterNames(model);
  const placement = int8
    ? planPlacement(fullPlan(b), shapes, target, parameters)
    : floatPlacement(shapes, target, parameters);
  return modelCost(lowering, placement, shapes, target);
}

describe('roofline, by hand', () => {
  const fast = { bytes: fact(1e9), bandwidth: fact(1e15), efficiency: fact(1) };

  it.each([
    // in (2,000 + 2,000,000) B at 1 GB/s = 2.002 ms hides 2 µs of compute; out 2 µs is not hidden.
    ['memory-bound', chip(), false, 2.004e-3, 'memory'],
    // int8: codes 1,000,000 B and 1,000 scales of 4 B; the edges stay float16.
    ['memory-bound in int8', chip(), true, (1_000_000 + 4000 + 2000) * 1e-9 + 2e-6, 'memory'],
    // 2 M operations at 1 T op/s; memory of no account.
    ['compute-bound', chip({ memory: fast }), false, 2e-6, 'compute'],
    ['compute-bound in int8', chip({ memory: fast }), true, 1e-6, 'compute'],
    ['at half the peak', chip({ memory: fast, utilisation: { float16: fact(0.5) } }), false, 4e-6, 'compute'],
    [
      'at half the bandwidth',
      chip({ memory: { ...chip().memory!, efficiency: fact(0.5) } }),
      false,
      4.008e-3,
      'memory',
    ],
    [
      '4,000 lanes for 1,000 channels',
      chip({ memory: fast, outputLanes: fact(4000) }),
      false,
      8e-6,
      'compute',
    ],
    ['100 lanes for 1,000 channels', chip({ memory: fast, outputLanes: fact(100) }), false, 2e-6, 'compute'],
    [
      'launch and dispatch',
      chip({ memory: fast, overhead: { dispatch: fact(1e-4), kernel: fact(1e-5) } }),
      false,
      2e-6 + 1e-4 + 1e-5,
      'overhead',
    ],
    // 1×1000 by 1000×1000 in tiles of 8×128, k in steps of 128: 8 × 1024 × 1024 of 10⁶ MACs.
    [
      'rows that are padded',
      chip({ memory: fast, array: { rows: fact(8), columns: fact(128), depth: fact(128) } }),
      false,
      2e-6 * 8.388608,
      'compute',
    ],
    // 8 tiles of 8×128 on 32 units.
    [
      'units that idle',
      chip({ memory: fast, array: { rows: fact(8), columns: fact(128), depth: fact(128), units: fact(32) } }),
      false,
      4 * 2e-6 * 8.388608,
      'compute',
    ],
    [
      'vector units that are faster then',
      chip({
        memory: fast,
        vector: fact(5e11),
        array: { rows: fact(8), columns: fact(128), depth: fact(128) },
      }),
      false,
      4e-6,
      'compute',
    ],
    ['slow edges', chip({ memory: { ...fast, activationBandwidth: fact(1e6) } }), false, 4e-3, 'memory'],
    [
      'the rate of convolutions is not that of products',
      chip({ memory: fast, convUtilisation: { float16: fact(0.1) } }),
      false,
      2e-6,
      'compute',
    ],
  ] as [string, Target, boolean, number, string][])('%s', (_, target, int8, seconds, bound) => {
    const c = cost(product(), target, int8);
    // Sums of a few terms: relative rounding only, plus the bytes over 1e15 B/s where memory is of no account.
    expect(Math.abs(c.seconds / seconds - 1)).toBeLessThan(2e-3);
    expect(c.kernels.map((k) => k.bound)).toEqual([bound]);
  });

  it('energy: idle · time + operations + bytes + call', () => {
    const power = {
      idle: fact(10),
      peak: fact(100),
      operation: { float16: fact(2), int8: fact(1) },
      memoryByte: fact(100),
      call: fact(0.5),
    };
    const c = cost(product(), chip({ power }));
    const want = 10 * c.seconds + 2e6 * 2e-12 + 2_004_000 * 100e-12 + 0.5e-3;
    expect(c.joules).toBeCloseTo(want, 12);
    expect(cost(product(), chip()).joules).toBeUndefined();
    expect(cost(product(), chip({ power }), true).joules!).toBeLessThan(want);
  });

  it('no more than the chip lets itself draw: the run slows down, and its kernels with it', () => {
    const power = (limit?: number) => ({
      idle: fact(10),
      peak: fact(100),
      operation: { float16: fact(2), int8: fact(1) },
      memoryByte: fact(100),
      ...(limit && { limit: fact(limit) }),
    });
    const free = cost(product(), chip({ power: power() }));
    const dynamic = free.joules! - 10 * free.seconds;
    const watts = dynamic / free.seconds;
    const slow = cost(product(), chip({ power: power(10 + watts / 2) }));
    expect(slow.seconds / free.seconds).toBeCloseTo(2, 9);
    expect(slow.joules! / slow.seconds).toBeCloseTo(10 + watts / 2, 9);
    expect(cost(product(), chip({ power: power(10 + 2 * watts) })).seconds).toBe(free.seconds);
  });

  it('codes that nothing multiplies are decoded for every tile of rows, on the vector units too', () => {
    const decoded = (target: Target, rows: number) => {
      const b = new Builder([rows, 1000]);
      b.node('MatMul', ['input', b.constant('w', [1000, 1000])], [rows, 1000]);
      const model = b.build();
      const shapes = shapesOf(model, b.types);
      const plain = floatPlacement(shapes, target, parameterNames(model));
      const of = (decodes: boolean) =>
        modelCost(lower(model, shapes), { ...plain, decodes: () => decodes }, shapes, target).seconds;
      return of(true) - of(false);
    };
    const tiles = { rows: fact(64), columns: fact(64), depth: fact(32) };
    const target = chip({ memory: fast, array: tiles, vector: fact(1e12), decode: fact(10) });
    // 10 operations for each of 10⁶ weights; one row is multiplied on the vector units.
    expect(decoded(target, 1)).toBeCloseTo(1e-5, 9);
    expect(decoded(target, 128)).toBeCloseTo(1e-5, 9);
    expect(decoded(target, 256)).toBeCloseTo(2e-5, 9);
    // Where conversions are kernels of their own, whole weights are decoded once.
    expect(decoded({ ...target, convert: fact(5) }, 256)).toBeCloseTo(5e-6, 9);
  });

  it('integers cost a kernel more, and reach less of the vector units, where the chip says so', () => {
    const plain = chip({ memory: fast, overhead: { dispatch: fact(0), kernel: fact(1e-6) } });
    const overhead = { dispatch: fact(0), kernel: fact(1e-6), integer: fact(3e-7) };
    const seconds = (target: Target, format: string) => {
      const b = new Builder([1, 1000]);
      b.node('MatMul', ['input', b.constant('w', [1000, 1000])], [1, 1000]);
      const model = b.build();
      const shapes = shapesOf(model, b.types);
      const placement = floatPlacement(shapes, target, parameterNames(model));
      return modelCost(lower(model, shapes), { ...placement, computes: () => format }, shapes, target)
        .seconds;
    };
    expect(seconds({ ...plain, overhead }, 'int8') - seconds(plain, 'int8')).toBeCloseTo(3e-7, 12);
    expect(seconds({ ...plain, overhead }, plain.floatFormat)).toBe(seconds(plain, plain.floatFormat));
    const thin = {
      ...plain,
      vector: fact(1e12),
      array: { rows: fact(64), columns: fact(64), depth: fact(32) },
    };
    const half = { ...thin, vectorUtilisation: { int8: fact(0.5) } };
    expect(seconds(half, 'int8') - seconds(thin, 'int8')).toBeCloseTo(2e-6, 12);
  });

  it.each([
    ['an operator that it lacks', { operators: ['MatMul'] }, 'test chip has no MatMul'],
    [
      'an axis that is too long',
      { longestAxis: fact(999) },
      'an axis of 1000 exceeds 999, the longest of test chip',
    ],
    ['neither', { longestAxis: fact(1000), widestAverage: fact(3) }, undefined],
  ])('leaves the chip: %s', (_, rule, reason) => {
    const fallback = { to: 'CPU', operators: [], switch: fact(1), ...rule };
    expect(cost(product(), chip({ fallback })).kernels[0].away).toBe(reason);
  });

  it('an average over a window that is too wide leaves the chip, and switches there and back', () => {
    const b = new Builder([1, 8, 20, 20]);
    const window = [makeAttribute.ints('kernel_shape', [14, 14])];
    const before = b.node('Softmax', ['input'], [1, 8, 20, 20]);
    const averaged = b.node('AveragePool', [before], [1, 8, 7, 7], window);
    b.node('Softmax', [averaged], [1, 8, 7, 7]);
    const fallback = { to: 'CPU', operators: [], switch: fact(1), widestAverage: fact(13) };
    const c = cost(b, chip({ fallback }));
    expect(c.kernels.map((k) => k.away)).toEqual([undefined, 'an average over 14×14 exceeds 13', undefined]);
    expect(c.seconds).toBeGreaterThan(2);
  });

  it('codes around a kernel that computes in float are turned in kernels of their own, where the target says so', () => {
    const b = new Builder([1, 1000]);
    const first = b.node('MatMul', ['input', b.constant('w', [1000, 1000])], [1, 1000]);
    b.node('Softmax', [first], [1, 1000]);
    const model = b.build();
    const shapes = shapesOf(model, b.types);
    const seconds = (change: Partial<Target>) => {
      const target = chip({
        memory: fast,
        vector: fact(1e9),
        overhead: { dispatch: fact(0), kernel: fact(1) },
        ...change,
      });
      const plain = floatPlacement(shapes, target, parameterNames(model));
      const bits = (name: string) => (name === first ? 8 : 16);
      return modelCost(lower(model, shapes), { ...plain, activationBits: bits }, shapes, target).seconds;
    };
    // Written by the product and read by the softmax: twice 1,000 values of 10⁶ operations, and two launches.
    expect(seconds({ convert: fact(1e6) }) - seconds({})).toBeCloseTo(4, 6);
  });

  it('products one behind another reach a share of what one alone does', () => {
    const b = new Builder([1, 1000]);
    const first = b.node('MatMul', ['input', b.constant('w', [1000, 1000])], [1, 1000]);
    b.node('MatMul', [first, b.constant('v', [1000, 1000])], [1, 1000]);
    const target = chip({ memory: fast, sustained: fact(0.5) });
    expect(cost(b, target).seconds / cost(product(), target).seconds).toBeCloseTo(4, 2);
  });

  it('half of the memory on the chip holds activations between kernels; the rest of them leaves it', () => {
    const b = () => convStack(2, 64);
    // 64·64·64 float16 between the two = 524,288 B, written and read again when it does not fit.
    const bytes = (onChip: number) =>
      cost(b(), chip({ memory: { ...chip().memory!, onChipBytes: fact(onChip) } })).kernels.reduce(
        (sum, k) => sum + k.bytes,
        0,
      );
    expect(bytes(0) - bytes(2 * 524_288)).toBe(2 * 524_288);
    expect(bytes(524_288) - bytes(2 * 524_288)).toBe(524_288);
  });
});

describe('kernels', () => {
  const kernelsOf = (b: Builder, fusion: Fusion[] = []) => {
    const model = b.build();
    return lower(model, shapesOf(model, b.types), fusion).kernels.map((k) =>
      k.nodes.map((n) => n.opType).join('+'),
    );
  };

  it('a convolution takes its activation and the addition behind it', () => {
    const b = new Builder([1, 8, 4, 4]);
    const skip = b.conv(8, 1);
    b.conv(8, 3);
    b.add(b.relu(), skip);
    b.relu();
    expect(kernelsOf(b)).toEqual(['Conv', 'Conv+Relu+Add+Relu']);
  });

  it('an element-wise node joins the last kernel that makes one of its inputs, whoever else reads that', () => {
    const b = new Builder([1, 8, 4, 4]);
    const first = b.conv(8, 1);
    const relu = b.relu();
    b.add(first, relu);
    expect(kernelsOf(b)).toEqual(['Conv+Relu+Add']);
  });

  it('views and Q/DQ vanish, pools stand alone', () => {
    const b = new Builder([1, 8, 4, 4]);
    b.conv(8, 1);
    b.pool('GlobalAveragePool', [1, 8, 1, 1]);
    b.gemm(8, 10);
    expect(kernelsOf(b)).toEqual(['Conv', 'GlobalAveragePool', 'Gemm']);
  });

  it('reads and writes are those across the border', () => {
    const b = new Builder([1, 8, 4, 4]);
    const skip = b.conv(8, 1);
    b.conv(8, 3);
    b.add(b.relu(), skip);
    const model = b.build();
    const [, second] = lower(model, shapesOf(model, b.types)).kernels;
    expect(second.reads).toEqual(['Conv_0']);
    expect(second.writes).toEqual(['Add_3']);
    expect(second.constants).toEqual(['w1', 'w1_bias']);
  });

  it('what only some compilers fuse', () => {
    const rows = new Builder([1, 4, 8]);
    rows.node('Softmax', [rows.node('Mul', ['input', 'input'], [1, 4, 8])], [1, 4, 8]);
    expect(kernelsOf(rows)).toEqual(['Mul', 'Softmax']);
    expect(kernelsOf(rows, ['rows'])).toEqual(['Mul+Softmax']);

    const siblings = new Builder([1, 4, 8]);
    for (const name of ['q', 'k'])
      siblings.node('MatMul', ['input', siblings.constant(name, [8, 8])], [1, 4, 8]);
    expect(kernelsOf(siblings)).toEqual(['MatMul', 'MatMul']);
    expect(kernelsOf(siblings, ['siblings'])).toEqual(['MatMul+MatMul']);

    const attention = new Builder([1, 4, 8]);
    const scores = attention.node(
      'MatMul',
      ['input', attention.node('Transpose', ['input'], [1, 8, 4])],
      [1, 4, 4],
    );
    attention.node('MatMul', [attention.node('Softmax', [scores], [1, 4, 4]), 'input'], [1, 4, 8]);
    expect(kernelsOf(attention)).toEqual(['Transpose', 'MatMul', 'Softmax', 'MatMul']);
    expect(kernelsOf(attention, ['attention', 'transpose'])).toEqual(['MatMul+Softmax+MatMul']);
  });

  it('1×1 convolutions in a row pass their tiles on, others store what is between them', () => {
    const stored = (kernel: number, fusion: Fusion[]) => {
      const b = new Builder([1, 8, 4, 4]);
      b.conv(8, 1);
      b.conv(8, kernel);
      const model = b.build();
      return lower(model, shapesOf(model, b.types), fusion).kernels[0].writes.length;
    };
    expect([stored(1, []), stored(1, ['pointwise']), stored(3, ['pointwise'])]).toEqual([1, 0, 1]);
  });

  it('a cache of keys that grows is no kernel: the new part is written, the whole is read', () => {
    const b = new Builder([1, 1, 8]);
    b.type('past', [1, 99, 8]);
    const fresh = b.node('MatMul', ['input', b.constant('w', [8, 8])], [1, 1, 8]);
    const present = b.node('Concat', ['past', fresh], [1, 100, 8]);
    b.node('MatMul', ['input', b.node('Transpose', [present], [1, 8, 100])], [1, 1, 100]);
    const model = b.build();
    model.graph.inputs.push(value('past', [1, 99, 8]));
    model.graph.outputs.push(value(present, [1, 100, 8]));
    const { kernels, caches } = lower(model, shapesOf(model, b.types), ['transpose']);
    expect(kernels.map((k) => [k.reads, k.writes])).toEqual([
      [['input'], [fresh]],
      [['input', present], [b.end]],
    ]);
    expect([...caches]).toEqual([[present, fresh]]);
  });

  it('an empty graph has no kernels', () => {
    const model = makeModel([makeNode('Identity', ['x'], ['y'])], [value('x', [1])], [value('y', [1])]);
    expect(lower(model, shapesOf(model, new Map())).kernels).toEqual([]);
  });
});

it.each([
  ['one a tensor', { kind: 'perlayer' } as const, true, undefined, 4],
  ['one a channel', { kind: 'perchannel' } as const, true, 0, 4 * 6],
  ['one a channel with zero points', { kind: 'perchannel' } as const, false, 0, 5 * 6],
  // 6 rows of ⌈40 / 32⌉ blocks.
  ['one for 32 values', { kind: 'block', size: 32 } as const, true, 1, 4 * 12],
])('scale bytes: %s', (_, granularity, symmetric, axis, want) => {
  const b = new Builder([1]);
  b.constant('w', [6, 40]);
  const plan = {
    tensor: 'w',
    uses: [],
    format: 'int8',
    granularity,
    axis,
    symmetric,
    form: 'linear' as const,
    weightOnly: false,
    reason: '',
  };
  expect(scaleBytes(plan, shapesOf(b.build(), b.types))).toBe(want);
});
