import { describe, expect, it } from 'vitest';
import { schemeFacts } from '../../src/plan/describe.js';
import { SCHEMES } from '../../src/plan/index.js';

describe('schemeFacts', () => {
  it.each([
    // 8 + 32 / 1024
    ['int8-perchannel', 8.03125, '-128…127', '1'],
    // 4 + 32 / 32
    ['int4-block32', 5, '-8…7', '1'],
    // 4 + (32 + 4) / 32
    ['uint4-block32', 5.125, '0…15', '1'],
    ['mxfp4', 4.25, '±6', '0.5'],
    ['mxfp6', 6.25, '±7.5', '0.125'],
    ['mxint8', 8.25, '-128…127', '1'],
    ['nvfp4', 4.5, '±6', '0.5'],
    ['fp8-perlayer', 8, '±448', '2^-9'],
    ['nf4-block64', 4.5, '±1', '0.0795803'],
    ['bf16', 16, '±3.39e+38', '2^-133'],
    // 4 + 16 · 32 / 64
    ['lut4-block64', 12, 'of the data', 'of the data'],
  ])('%s', (name, bits, range, smallest) => {
    const facts = schemeFacts(name);
    expect(facts.bits).toBeCloseTo(bits, 4);
    expect([facts.range, facts.smallest]).toEqual([range, smallest]);
  });

  it.each(SCHEMES.map((s) => s.id))('%s says what it is and where it is used', (id) => {
    const { description, usedIn, exec, spec } = schemeFacts(id);
    expect(description).not.toBe('');
    expect(usedIn).not.toBe('');
    for (const written of [exec, spec])
      expect(written).toMatch(/^(linear|codebook|cast), opset (10|13|19|21|23|24|25)$/);
  });

  it.each([
    ['int2-a8-perchannel', 'nibbles, opset 25', 'linear, opset 25'],
    ['int2-float-perchannel', 'linear, opset 25', 'linear, opset 25'],
    ['int4-a8-perchannel', 'linear, opset 21', 'linear, opset 21'],
  ])('%s: two bits are four for onnxruntime where they are multiplied', (id, exec, spec) => {
    expect(schemeFacts(id)).toMatchObject({ exec, spec });
  });
});
