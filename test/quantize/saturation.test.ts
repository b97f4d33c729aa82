import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { makeNode } from '../../src/ir/graph.js';
import { floatTensor, tensorBytes } from '../../src/ir/tensor.js';
import { pairsSaturate, type QuantizedWeight } from '../../src/quantize/index.js';
import { hasVnni } from '../../src/runtime/index.js';
import { emitted, source } from '../emit/emitted.js';
import { network } from '../plan/cases.js';

const weight = (codes: number[], channels = 1): QuantizedWeight =>
  ({
    plan: { format: 'int8', weightOnly: false },
    dims: [channels, codes.length / channels],
    codes: Int8Array.from(codes),
    shape: { outer: 1, channels, inner: codes.length / channels },
  }) as unknown as QuantizedWeight;

describe('pairsSaturate', () => {
  it.each([
    // 255 · 128 = 32640; 255 · 129 = 32895 > 32767; 255 · −129 < −32768.
    ['the largest sum that 16 bits hold', [64, 64, -127], false],
    ['one more', [64, 0, 65], true],
    ['the least', [-64, -64, 127], false],
    ['one less', [-1, -128], true],
    ['both of 7 bits', [63, 63, -64, -64], false],
  ])('%s', (_, codes, expected) => {
    expect(pairsSaturate(weight(codes))).toBe(expected);
  });

  it('adds up within a channel only', () => {
    expect(pairsSaturate(weight([127, 0, 127, 0], 2))).toBe(false);
    expect(pairsSaturate(weight([127, 127, 0, 0], 2))).toBe(true);
  });

  it('never, for weights of int7, which have all layers in 7 bits', async () => {
    const net = network({
      inputs: { x: [1, 4] },
      outputs: ['y'],
      nodes: [makeNode('MatMul', ['x', 'm'], ['y'])],
      initializers: [floatTensor('m', [4, 2], [9, -9, 9, 9, -9, 9, 9, 9])],
    });
    const { model, plan } = await emitted(net, source({ x: [1, 4] }), { scheme: 'int7-perchannel' });
    const codes = model.graph.initializers.find((t) => t.name === 'm_quantized')!;
    expect([...new Int8Array(tensorBytes(codes))]).toEqual([63, -63, 63, 63, -63, 63, 63, 63]);
    expect(plan.activations.map((a) => a.format)).toContain('uint8');
  });
});

describe('hasVnni', () => {
  it.each([
    ['flags : sse avx2 avx512_vnni\n', 'x64', true],
    ['flags\t\t: sse avx2 avx_vnni\n', 'x64', true],
    ['flags : sse avx2\n', 'x64', false],
    ['Features : asimd\n', 'x64', undefined],
    ['flags : sse avx2\n', 'arm64', undefined],
  ])('%j on %s: %s', (text, arch, expected) => {
    const folder = mkdtempSync(join(tmpdir(), 'cpuinfo-'));
    try {
      writeFileSync(join(folder, 'cpuinfo'), text);
      expect(hasVnni(join(folder, 'cpuinfo'), arch)).toBe(expected);
      expect(hasVnni(join(folder, 'none'), arch)).toBeUndefined();
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});
