import { describe, expect, it } from 'vitest';
import { decoder, gemm, type Network, resnet } from '../../fixtures/architectures/index.js';
import { modelCost } from '../../src/report/cost.js';
import { buildReport, type Report, type ReportInput } from '../../src/report/index.js';
import { lower } from '../../src/report/kernels.js';
import { parameterNames } from '../../src/report/parameters.js';
import { shapesOf } from '../../src/report/shapes.js';
import { uniformPlacement } from '../../src/validation/uniform.js';
import { findTarget, TARGETS } from '../../targets/index.js';

function report({ model, types }: Network, target: string, change: Partial<ReportInput> = {}): Report {
  return buildReport({
    name: 'model.onnx',
    loaded: { model, sha256: 'a'.repeat(64), bytes: 1e8 },
    prepared: model,
    types,
    target: findTarget(target)!,
    ...change,
  });
}

/** Watts and joules of a product of m × k by k × n in one format. */
function product(id: string, format: string, bits: number, m: number, n: number, k: number) {
  const { model, types } = gemm({ m, n, k });
  const target = findTarget(id)!;
  const shapes = shapesOf(model, types);
  const lowering = lower(model, shapes, target.fusion);
  const precision = { computes: format, weightBits: bits, activationBits: bits };
  const placement = uniformPlacement(lowering, shapes, target, parameterNames(model), precision);
  const { kernels, energy } = modelCost(lowering, placement, shapes, target);
  const joules = Object.values(kernels[0].energy!).reduce((sum, part) => sum + part, 0);
  return {
    watts: joules / kernels[0].seconds,
    perOperation: joules / kernels[0].operations,
    energy: energy!,
  };
}

describe('energy', () => {
  // The best products of H100: they draw what the chip may, and energies of an operation follow from that.
  it.each([
    ['fp8', 8, 1024, 9216, 14336, 0.5],
    ['bfloat16', 16, 2048, 2048, 13312, 0.88],
  ])('of H100 at full rate in %s: its 700 W', (format, bits, m, n, k, most) => {
    const { watts, perOperation } = product('h100', format, bits, m, n, k);
    expect(Math.abs(watts / 700 - 1)).toBeLessThan(0.15);
    // 700 W over the best measured rates.
    expect(perOperation * 1e12).toBeLessThanOrEqual(most);
  });

  it('a card of 350 W slows down instead of drawing more', () => {
    const { watts } = product('h100-pcie', 'fp8', 8, 4096, 8192, 8192);
    // The run’s dispatch draws idle power alone, so that the kernel may draw a little more.
    expect(Math.abs(watts / 350 - 1)).toBeLessThan(0.02);
  });

  const chips = TARGETS.filter((t) => t.power && !t.id.includes('@')).map((t) => t.id);
  it.each(chips)('on %s falls with the bits', (id) => {
    const { floatFormat } = findTarget(id)!;
    const [half, eight] = [
      product(id, floatFormat, 16, 512, 512, 512),
      product(id, 'int8', 8, 512, 512, 512),
    ];
    expect(eight.perOperation).toBeLessThan(half.perOperation);
  });

  it('is the sum of its parts', () => {
    const { quantized, layers } = report(resnet(), 'ane');
    const parts = Object.values(quantized.energyParts!).reduce((sum, part) => sum + part, 0);
    expect(parts).toBeCloseTo(quantized.energyMj!.value, 9);
    const kernels = layers.reduce((sum, row) => sum + row.energyUj!.value, 0) / 1e3;
    expect(kernels + quantized.energyParts!.call).toBeCloseTo(quantized.energyMj!.value, 6);
  });
});

describe('what nothing validates', () => {
  it.each([
    ['m4-ane', true],
    ['tpu-v4', true],
    ['h100-sxm', true],
    ['a17-ane', false],
  ])('a float ResNet-50 on %s: said %s', (id, said) => {
    const { caveats, quantized } = report(resnet(), id);
    expect(caveats.some((c) => c.startsWith('no published measurement of convolutions'))).toBe(said);
    expect(quantized.latencyMs.band).toBe(said ? 0.5 : 0.2);
  });
});

describe('what a run holds', () => {
  it('ResNet-50: parameters in the chip’s format, and the two largest neighbours among its maps', () => {
    const { quantized, layers } = report(resnet(), 'tpu');
    const { memory } = quantized;
    expect(memory!.weightBytes / 2).toBeCloseTo(25_557_032 - 53_120 + 26_560, -5);
    expect(memory!.activationBytes).toBe(Math.max(...layers.map((l) => l.liveBytes!)));
    // 112·112·64 and what MaxPool makes of it, bfloat16.
    expect(memory!.activationBytes).toBeGreaterThanOrEqual(2 * (112 * 112 * 64 + 56 * 56 * 64));
    expect(memory!.fits).toBe(true);
  });

  it('a larger batch holds more activations and the same parameters, and is faster a sample', () => {
    const [one, many] = [report(resnet(), 'h100'), report(resnet(), 'h100', { settings: { batch: 32 } })];
    expect(many.run).toEqual({ batch: 32, dims: {} });
    expect(many.quantized.memory!.weightBytes).toBe(one.quantized.memory!.weightBytes);
    expect(many.quantized.memory!.activationBytes).toBe(32 * one.quantized.memory!.activationBytes);
    expect(many.macs).toBe(32 * one.macs);
    expect(many.quantized.throughput.value).toBeGreaterThan(5 * one.quantized.throughput.value);
    expect(one.saturation!.batch).toBeGreaterThan(8);
  });

  it('LLaMA-7B: 13.5 GB in bfloat16, which one TPU v4 holds and the course text’s 8 GB do not', () => {
    const network = decoder({
      layers: 32,
      hidden: 4096,
      heads: 32,
      ffn: 11008,
      gated: true,
      vocabulary: 32000,
      sequence: 1,
      past: 512,
    });
    const whole = report(network, 'tpu');
    // 6.738 G parameters; the text says 28 → 14 GB, both within 4 %.
    expect(whole.model.parameters / 6.738e9).toBeCloseTo(1, 2);
    expect(Math.abs((4 * whole.model.parameters) / 28e9 - 1)).toBeLessThan(0.04);
    expect(whole.quantized.memory!.weightBytes / (2 * whole.model.parameters)).toBeCloseTo(1, 2);
    // 2 · 32 layers · 4096 · 513 tokens · 2 bytes.
    expect(whole.quantized.memory!.cacheBytes).toBe(2 * 32 * 4096 * 513 * 2);
    expect([whole.quantized.memory!.fits, whole.chips]).toEqual([true, undefined]);
    const small = report(network, 'tpu-v4@brief');
    expect(small.quantized.memory!.fits).toBe(false);
    expect(small.chips!.count).toBe(2);
    expect(small.chips!.latencyMs.value).toBeLessThan(small.quantized.latencyMs.value);
  });
});

describe('what it costs', () => {
  it('a phone: share of the battery, hours, and no more than the cooling sustains', () => {
    const { battery, datacentre, quantized } = report(resnet(), 'ane');
    const joules = quantized.energyMj!.value / 1e3;
    expect(battery!.sharePer1000.value).toBeCloseTo((1e5 * joules) / (12.7 * 3600), 9);
    expect(battery!.hours.value).toBeCloseTo(12.7 / quantized.watts!.value, 9);
    expect(battery!.sustained.value).toBeCloseTo(Math.min(quantized.throughput.value, 4.1 / joules), 6);
    expect(datacentre).toBeUndefined();
  });

  it('a data centre: joules and money, at the price that is given', () => {
    const { datacentre, battery, quantized } = report(resnet(), 'h100', { settings: { pricePerKwh: 0.36 } });
    const joules = quantized.energyMj!.value / 1e3;
    expect(datacentre!.joulesPer1000.value).toBeCloseTo(1000 * joules, 9);
    expect(datacentre!.costPerMillion.value).toBeCloseTo(0.1 * joules, 9);
    expect(battery).toBeUndefined();
  });
});
