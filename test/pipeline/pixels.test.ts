import { describe, expect, it } from 'vitest';
import { pixelMap } from '../../src/pipeline/samples.js';
import { buildModel, node, random } from '../prepare/opset/build.js';

const modelOf = (...dims: number[]) =>
  buildModel({ name: 'x', opset: 16, nodes: [node('Relu', 'a', 'y')], inputs: { a: random(...dims) } });
const job = (options: object) => ({
  model: 'nowhere.onnx',
  target: 'ane',
  scheme: 'int8-perchannel',
  method: 'minmax',
  ...options,
});

/** ImageNet's, of pixels in 0…1. */
const [mean, std] = [0.485, 0.229];

describe('what a package does to the pixels of a picture', () => {
  it.each([
    ['a preset', { preset: 'imagenet-torch' }, [1, 3, 32, 32], [1 / 255 / std, -mean / std], false],
    ['numbers', { preprocess: { scale: 1 / 128, mean: 1 } }, [1, 3, 32, 32], [1 / 128, -1], false],
    ['nothing, of a large picture', {}, [1, 3, 224, 224], [1 / 255 / std, -mean / std], true],
    ['nothing, of a small one', {}, [1, 1, 28, 28], [1 / 255, 0], true],
    ['nothing, of no picture', {}, [1, 40], [1, 0], false],
  ] as const)('as %s says', (_, options, dims, [factor, offset], assumed) => {
    const map = pixelMap(job(options), modelOf(...dims));
    expect(map.image.factor[0]).toBeCloseTo(factor, 12);
    expect(map.image.offset[0]).toBeCloseTo(offset, 12);
    expect(map.assumed?.code).toBe(assumed ? 'PREPROCESS_ASSUMED' : undefined);
  });
});
