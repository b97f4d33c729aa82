import type { PreprocessOptions } from './types.js';

/** A named way to prepare images, as a family of networks was trained. */
export interface Preset {
  id: string;
  description: string;
  options: PreprocessOptions;
}

const crop = { resize: 'short', cropFraction: 0.875 } as const;

export const PRESETS: readonly Preset[] = [
  {
    id: 'imagenet-torch',
    description: 'torchvision: short side 256, crop 224, RGB/255, ImageNet mean and standard deviation',
    options: { ...crop, scale: 1 / 255, mean: [0.485, 0.456, 0.406], std: [0.229, 0.224, 0.225] },
  },
  {
    id: 'imagenet-tf',
    description: 'TensorFlow slim: central 87.5 %, RGB, x/127.5 − 1',
    options: { ...crop, mean: 127.5, std: 127.5 },
  },
  {
    id: 'imagenet-caffe',
    description: 'Caffe: short side 256, crop 224, BGR 0…255 minus the ImageNet mean',
    options: { ...crop, color: 'bgr', mean: [103.939, 116.779, 123.68] },
  },
  { id: 'pm1', description: 'RGB, x/127.5 − 1: values in −1…1', options: { mean: 127.5, std: 127.5 } },
  { id: 'unit', description: 'RGB, x/255: values in 0…1', options: { scale: 1 / 255 } },
  { id: 'raw', description: 'RGB 0…255, unscaled', options: {} },
  {
    id: 'cifar10',
    description: 'RGB/255, CIFAR-10 mean and standard deviation (.247, .2435, .2616)',
    options: { scale: 1 / 255, mean: [0.4914, 0.4822, 0.4465], std: [0.247, 0.2435, 0.2616] },
  },
  {
    id: 'cifar10-torch',
    description:
      'as cifar10 with the per-image deviations that many PyTorch recipes use (.2023, .1994, .2010)',
    options: { scale: 1 / 255, mean: [0.4914, 0.4822, 0.4465], std: [0.2023, 0.1994, 0.201] },
  },
  {
    id: 'mnist',
    description: 'grey/255, MNIST mean .1307 and standard deviation .3081',
    options: { scale: 1 / 255, mean: 0.1307, std: 0.3081 },
  },
];

const ids = new Set<string>();
for (const { id } of PRESETS) {
  if (ids.has(id)) throw new Error(`duplicate preset "${id}"`);
  ids.add(id);
}

export const findPreset = (id: string): Preset | undefined => PRESETS.find((preset) => preset.id === id);
