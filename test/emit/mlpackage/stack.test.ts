import { describe, expect, it } from 'vitest';
import { convStack, withRandomWeights } from '../../../fixtures/architectures/index.js';
import type { MlPackage } from '../../../src/emit/mlpackage/index.js';
import type { Model } from '../../../src/ir/model.js';
import { floatTensor, floatValues } from '../../../src/ir/tensor.js';
import { prepare } from '../../../src/prepare/index.js';
import { emitted, source } from '../emitted.js';
import { packaged } from './export.js';

/** Without activations behind them, layers keep the size of their values with half the variance of He's weights. */
function stack(sizes: Parameters<typeof convStack>[0]): Model {
  const made = withRandomWeights(convStack(sizes).model, 1);
  for (const t of made.graph.initializers)
    Object.assign(
      t,
      floatTensor(
        t.name!,
        t.dims,
        floatValues(t).map((v) => v / Math.SQRT2),
      ),
    );
  return made;
}

const bytes = ({ files }: MlPackage): number =>
  files.flatMap((f) => f.chunks).reduce((n, c) => n + c.length, 0);
const whole = ({ files }: MlPackage) =>
  files.map((f) => [f.path, Buffer.concat(f.chunks).toString('base64')]);

/**
 * The published stack that shows int8 at 1.88 times the float16 rate: 128 convolutions 1×1, here of 256 channels on
 * 4×4 instead of 512 on 64×64, which changes no count. Its packages take 64.1 and 32.2 MB.
 */
describe('the published W8A8 stack', async () => {
  const dims = [1, 256, 4, 4];
  const { model } = await prepare(stack({ channels: 256, size: 4 }), { opset: 13 });
  const quantized = await emitted(model, source({ input: dims }, 2), { target: 'ane', correct: false });
  const [float, w8a8] = [await packaged(model), await packaged(quantized.model)];

  it('has the operations that were published', () => {
    expect(w8a8.legality.operations).toEqual({ conv: 128, quantize: 127, dequantize: 127 });
    expect(float.legality.operations).toEqual({ conv: 128 });
  });

  // The program itself, which does not shrink, is 2 % of so small a package; of the published one, 0.5 %.
  it('takes half of the float16 package', () => {
    expect(bytes(w8a8) / bytes(float)).toBeGreaterThan(0.5);
    expect(bytes(w8a8) / bytes(float)).toBeLessThan(0.53);
  });

  it('computes on the int8 path but for the first layer, which reads the input in float16', () => {
    expect(w8a8.legality.int8Macs).toBe(127 / 128);
    expect(w8a8.legality.fallbacks).toEqual([]);
    expect(w8a8.diagnostics.map((d) => d.code)).toEqual(['INPUT_IN_FLOAT']);
  });

  it('rounds the input too when the first layer is as large as the others are together', async () => {
    const two = await prepare(stack({ depth: 2, channels: 16, size: 4 }), {
      opset: 13,
    });
    const made = await emitted(two.model, source({ input: [1, 16, 4, 4] }, 2), {
      target: 'ane',
      correct: false,
    });
    const { legality } = await packaged(made.model);
    expect(legality.operations).toEqual({ conv: 2, dequantize: 2, quantize: 2 });
    expect(legality.int8Macs).toBe(1);
  });

  it('is the same bytes each time, for iOS 17 other ones', async () => {
    expect(whole(await packaged(quantized.model))).toEqual(whole(w8a8));
    expect(whole(await packaged(quantized.model, { ios: 17 }))).not.toEqual(whole(w8a8));
  });
});
