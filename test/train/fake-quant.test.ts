import { describe, expect, it } from 'vitest';
import { elementOf, weightGrid } from '../../kernels/grid.js';
import { blockShape, fakeQuantize as kernel } from '../../kernels/quantize.js';
import { createKernels } from '../../kernels/wasm.js';
import { makeNode, nameAllocator } from '../../src/ir/graph.js';
import { openModel } from '../../src/runtime/index.js';
import { backward } from '../../src/train/backward.js';
import { Builder } from '../../src/train/builder.js';
import { fakeQuantize } from '../../src/train/fake-quant.js';
import { gridOf } from '../../src/train/grids.js';
import { roundedDims } from '../../src/train/quantizers.js';
import { Tape } from '../../src/train/tape.js';
import { model, seeded, value } from '../prepare/helpers.js';

const [ROWS, COLUMNS] = [4, 64];
const kernels = createKernels(1 << 16);

/** A weight [4, 64], the last rows far larger, with its grid; some values lie outside of it. */
function weight(format: string, axis?: number, block?: number, symmetric = true) {
  const next = seeded(3);
  const values = Float32Array.from(
    { length: ROWS * COLUMNS },
    (_, i) => next() * 2 ** Math.floor(i / COLUMNS),
  );
  const shape = blockShape([ROWS, COLUMNS], axis, block);
  const params = weightGrid(kernels, values, shape, format, { symmetric });
  const scales = params.coded || params.tables ? params.scales : params.scales.map((s) => s * 0.9);
  return { values, shape, params: { ...params, scales } };
}

/** y, and the gradients of Σ g·y by x and the scale, as onnxruntime computes them; x cut off before it is rounded. */
async function run(
  format: string,
  { values, shape, params }: Pick<ReturnType<typeof weight>, 'values' | 'shape' | 'params'>,
  g: Float32Array,
  ceiling?: number,
) {
  const { values: dims, scales: scaleDims } = roundedDims({ shape } as never);
  const b = new Builder(nameAllocator(new Set(['x'])));
  const tape = new Tape(b, new Map([['x', dims]]));
  const scale = b.reals(params.scales, scaleDims);
  tape.sizes.set(scale, scaleDims);
  const grid = gridOf(elementOf(format), params, scaleDims);
  const rectifier = ceiling === undefined ? undefined : { source: 'x', ceiling };
  const cut = rectifier ? tape.op('Clip', ['x', b.number(0), b.number(rectifier.ceiling)], dims) : 'x';
  const y = fakeQuantize(tape, cut, scale, { grid, values: 1, codes: 1, rectifier });
  const forward = { nodes: tape.nodes, dims: tape.dims, constant: () => undefined };
  const { gradients } = backward(b, forward, new Map([[y, b.reals(g, dims)]]), ['x', scale]);
  const outputs = ['y', 'dx', 'ds'];
  const made = [y, gradients.get('x')!, gradients.get(scale)!].map((v, i) =>
    makeNode('Identity', [v], [outputs[i]]),
  );
  const session = await openModel(
    model(
      {
        nodes: [...b.nodes, ...made],
        inputs: [value('x', dims)],
        outputs: outputs.map((name) => ({ name })),
        initializers: b.initializers,
      },
      { opset: 21, irVersion: 10 },
    ),
    { threads: 1, keepQdq: true },
  );
  const out = await session.run({ x: { dtype: 'float32', dims, data: values } });
  await session.release();
  return outputs.map((name) => out[name].data as Float32Array);
}

describe('rounding in the training graph', () => {
  it.each([
    ['int8', 0],
    ['int4', 0],
    ['int2', undefined],
    ['uint4', 0, undefined, false],
    ['uint4', 1, 16, false],
    ['int3', 1, 32],
    ['int4', 0, 2],
    ['fp8', 0],
    ['fp8e5m2', undefined],
    ['fp4', 0],
    ['fp6e2m3', 0],
    ['fp6e3m2', 0],
    ['bf16', undefined],
    ['fp16', undefined],
    ['nf4', 1, 64],
    ['log4', 0],
    ['pot4', 0],
    ['lut3', 0],
    ['mxfp4', 1, 32],
    ['nvfp4', 1, 16],
  ] as [string, number | undefined, number?, boolean?][])(
    '%s, axis %s, blocks of %s: as the kernel rounds',
    async (format, ...layout) => {
      const w = weight(format, ...layout);
      const [y] = await run(format, w, new Float32Array(w.values.length));
      const expected = kernel(w.values, w.shape, w.params, elementOf(format));
      // What differs are ties, and logarithms at powers of two.
      const wrong = expected.filter((v, i) => Math.abs(v - y[i]) > 1e-6 * Math.abs(v)).length;
      expect(wrong).toBe(0);
    },
  );

  it('gradients pass inside the grid, and move the scale by what rounding and clipping leave', async () => {
    const w = weight('int4', 0);
    const next = seeded(8);
    const g = Float32Array.from(w.values, next);
    const [y, dx, ds] = await run('int4', w, g);
    const sums = new Float64Array(ROWS);
    w.values.forEach((x, i) => {
      const s = w.params.scales[Math.floor(i / COLUMNS)];
      const code = Math.round(x / s);
      const inside = code >= -8 && code <= 7;
      // −0 is as good.
      expect(dx[i] + 0).toBe(inside ? g[i] : 0);
      sums[Math.floor(i / COLUMNS)] += (g[i] * (y[i] - (inside ? x : 0))) / s;
    });
    ds.forEach((d, row) => {
      expect(d).toBeCloseTo(sums[row], 4);
    });
    expect(dx.some((v) => v === 0)).toBe(true);
  });

  it.each([
    ['the grid ends below the ceiling', 'uint4', 0, 0.3],
    ['the grid goes beyond it', 'uint4', 0, 0.45],
    ['codes of both signs', 'int8', 0, 0.04],
    ['a zero point', 'uint8', 128, 0.05],
  ])('one mask for rounding and what cuts off before it: %s', async (_, format, zero, s) => {
    const next = seeded(5);
    const [pre, g] = [3, 2].map((size) => Float32Array.from({ length: 64 }, () => size * next() + size));
    const zeroPoints = Int32Array.of(zero);
    const params = { scales: Float32Array.of(s), zeroPoints };
    const w = { values: pre.map((v) => 2 * v - 3), shape: blockShape([64]), params };
    const [y, dx, ds] = await run(format, w, g, 6);
    const { qmin, qmax } = elementOf(format);
    let sum = 0;
    w.values.forEach((v, i) => {
      const x = Math.min(Math.max(v, 0), 6);
      const code = Math.round(x / s) + zero;
      const inside = code >= qmin && code <= qmax;
      expect(dx[i] + 0).toBe(inside && v > 0 && v < 6 ? g[i] : 0);
      sum += (g[i] * (y[i] - (inside ? x : 0))) / s;
    });
    // Products of up to 12 · 6 / s that cancel, in float32.
    expect(ds[0] / sum).toBeCloseTo(1, 3);
    expect(dx.filter((v) => v === 0).length).toBeGreaterThan(8);
  });
});
