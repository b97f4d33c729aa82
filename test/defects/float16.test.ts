// Numbers in the names are the rows of the list of defects of onnxruntime 1.30's own Python tool.
import { describe, expect, it } from 'vitest';
import { makeAttribute as a, isOp, makeNode } from '../../src/ir/graph.js';
import type { Model } from '../../src/ir/model.js';
import { floatValues, intValues, makeTensor } from '../../src/ir/tensor.js';
import { folder } from '../data/files.js';
import { model, run, value } from '../prepare/helpers.js';
import { job, rows } from './job.js';

const root = folder();

/** IEEE binary16 of a number: exact for the powers of two and small integers used here. */
const half = new Map<number, number>();
for (let bits = 0; bits < 65536; bits++) half.set(halfOf(bits), bits);
function halfOf(bits: number): number {
  const [sign, exponent, mantissa] = [bits & 0x8000 ? -1 : 1, (bits >> 10) & 31, bits & 1023];
  if (exponent === 31) return Number.NaN;
  return sign * 2 ** (Math.max(exponent, 1) - 25) * (mantissa + (exponent ? 1024 : 0));
}
const halves = (name: string, dims: number[], values: number[]) =>
  makeTensor(
    name,
    'float16',
    dims,
    Uint16Array.from(values, (v) => half.get(v)!),
  );

/** float16 weights 1×1, channel c of magnitude sizes[c], cast to float32 in front of the convolution, or a float16 network. */
function halfNetwork(sizes: number[], cast: boolean): Model {
  const dims = [sizes.length, 4, 1, 1];
  const values = sizes.flatMap((s) => [s, -s, s / 2, s / 4]);
  const type = cast ? 1 : 10;
  const weight = cast ? 'wf' : 'w';
  return model(
    {
      inputs: [value('x', [1, 4, 6, 6], type)],
      outputs: [value('y', undefined, type)],
      initializers: [halves('w', dims, values)],
      nodes: [
        ...(cast ? [makeNode('Cast', ['w'], ['wf'], [a.int('to', 1)])] : []),
        makeNode('Conv', ['x', weight], ['y'], [], { name: 'conv' }),
      ],
    },
    { opset: 13 },
  );
}

describe('3: float16 weights', () => {
  const CASES = [
    { name: '3: channels below 0.0078', sizes: [1, 2 ** -8, 2 ** -10, 2 ** -14] },
    { name: '3: all of them tiny, subnormal even', sizes: [2 ** -16, 2 ** -18, 2 ** -20, 2 ** -22] },
    { name: '3b: a span beyond 65504', sizes: [40000, 40000, 1, 1] },
  ];
  it.each(CASES)('$name: cast to float32, each keeps its values', async ({ sizes }) => {
    const net = halfNetwork(sizes, true);
    const { quantized, plan } = await job(root, net, rows(4, [4, 6, 6]));
    expect(plan.weights).toHaveLength(1);
    const constants = new Map(quantized.graph.initializers.map((t) => [t.name, t]));
    const dq = quantized.graph.nodes.find((n) => isOp(n, 'DequantizeLinear') && constants.has(n.inputs[0]))!;
    const codes = intValues(constants.get(dq.inputs[0])!);
    const scales = floatValues(constants.get(dq.inputs[1])!);
    for (const [channel, size] of sizes.entries()) {
      expect(Number.isFinite(scales[channel])).toBe(true);
      const got = codes.slice(4 * channel, 4 * channel + 4).map((q) => q * scales[channel]);
      // Half a step of a grid with 127 steps up to the largest value.
      for (const [i, exact] of [size, -size, size / 2, size / 4].entries())
        expect(Math.abs(got[i] - exact)).toBeLessThanOrEqual((size / 254) * 1.0001);
    }
  });

  it.each(CASES)('$name: a float16 network is left as it is, and says so', async ({ sizes }) => {
    const net = halfNetwork(sizes, false);
    const samples = rows(4, [4, 6, 6]);
    const { quantized, diagnostics, report } = await job(root, net, samples);
    expect(diagnostics.map((d) => d.code)).toContain('NOTHING_QUANTIZED');
    expect(report.leftInFloat[0]).toMatchObject({ node: 'conv', reason: expect.stringContaining('float16') });
    const data = Uint16Array.from({ length: 144 }, (_, i) => half.get((i % 9) / 4 - 1)!);
    const feeds = { x: { dtype: 'float16' as const, dims: [1, 4, 6, 6], data } };
    expect(await run(quantized, feeds)).toEqual(await run(net, feeds));
  });
});
