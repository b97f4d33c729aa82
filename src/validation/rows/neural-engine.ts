import type { PrecisionId, PublishedRow } from '../types.js';

const STACKS = 'published benchmark of an h17 Neural Engine, 64×64, batch 1';
const COREML = `${STACKS}, through Core ML`;
const APPLE = 'coremltools guide, optimization performance, Xcode median';

const stack = (
  depth: number,
  channels: number,
  precision: PrecisionId,
  value: number,
  used: PublishedRow['used'],
  source = STACKS,
  target = 'h17-ane',
): PublishedRow => ({
  target,
  kind: 'convolutions',
  workload: { kind: 'stack', depth, channels },
  precision,
  value,
  unit: 'ms',
  used,
  source,
});

const network = (
  target: string,
  id: string,
  precision: PrecisionId,
  value: number,
  used: PublishedRow['used'] = 'held out',
): PublishedRow => ({
  target,
  kind: 'convolutions',
  workload: { kind: 'network', id, batch: 1 },
  precision,
  value,
  unit: 'ms',
  used,
  source: APPLE,
});

export const NEURAL_ENGINE_ROWS: readonly PublishedRow[] = [
  stack(128, 512, 'float16', 15.083, 'fit'),
  stack(96, 512, 'float16', 11.401, 'held out'),
  stack(64, 512, 'float16', 7.749, 'fit'),
  stack(128, 384, 'float16', 8.727, 'held out'),
  stack(256, 256, 'float16', 7.837, 'fit'),
  stack(128, 256, 'float16', 4.012, 'held out'),
  stack(128, 512, 'float16', 15.275, 'fit', COREML),
  stack(128, 512, 'int8', 8.032, 'held out'),
  stack(96, 512, 'int8', 6.012, 'fit'),
  stack(64, 512, 'int8', 4.111, 'held out'),
  stack(128, 384, 'int8', 4.663, 'fit'),
  stack(128, 256, 'int8', 2.235, 'held out'),
  stack(128, 512, 'int8', 8.151, 'fit', COREML),
  // 274.88 G operations at 15.86 TFLOPS and 30.53 TOPS.
  stack(
    128,
    512,
    'float16',
    17.332,
    'fit',
    'MacBook Neo, A18 Pro, the same stack through Core ML',
    'a18-ane',
  ),
  stack(128, 512, 'int8', 9.004, 'fit', 'MacBook Neo, A18 Pro, the same stack through Core ML', 'a18-ane'),
  network('a16-ane', 'resnet50', 'float16', 1.52, 'fit'),
  network('a16-ane', 'resnet50', 'w8', 1.49),
  network('a16-ane', 'resnet50', 'int8', 0.94, 'fit'),
  network('a16-ane', 'mobilenetv2', 'float16', 0.48, 'fit'),
  network('a16-ane', 'mobilenetv2', 'w8', 0.45),
  network('a16-ane', 'mobilenetv2', 'int8', 0.27),
  network('a16-ane', 'mobilenetv3-small', 'float16', 0.13, 'fit'),
  network('a16-ane', 'resnet50', 'w4', 1.41),
  network('a16-ane', 'mobilenetv2', 'w4', 0.45),
  network('a16-ane', 'mobilenetv3-small', 'w8', 0.13),
  network('a16-ane', 'mobilevitv2', 'float16', 1.38),
  network('a16-ane', 'mobilevitv2', 'w8', 1.43),
  network('a16-ane', 'mobilevitv2', 'int8', 1.18),
  network('a16-ane', 'centernet-resnet34', 'float16', 6.85),
  network('a16-ane', 'centernet-resnet34', 'w8', 6.85),
  network('a16-ane', 'centernet-resnet34', 'w4', 6.67),
  network('a17-ane', 'mobilevitv2', 'float16', 1.36),
  network('a17-ane', 'mobilevitv2', 'w8', 1.37),
  network('a17-ane', 'mobilevitv2', 'int8', 1.03),
  network('a17-ane', 'mobilenetv2', 'float16', 0.49),
  network('a17-ane', 'mobilenetv2', 'w8', 0.44),
  network('a17-ane', 'mobilenetv2', 'int8', 0.2),
];
