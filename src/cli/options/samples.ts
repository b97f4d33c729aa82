import { HEADINGS } from './headings.js';
import { collect, dimension, shard, whole } from './parse.js';
import type { OptionSpec } from './spec.js';

/** Where samples come from, and how many of them are taken. */
export const SAMPLE_OPTIONS = {
  calibration: {
    flags: '-c, --calibration <path>',
    description:
      'samples to calibrate on: images, .npy, .npz, .pb, raw, or - for stdin; repeatable. ' +
      'Without it: <model>.calibration/ or test_data_set_* beside the model',
    group: HEADINGS.samples,
    path: true,
    parse: collect,
  },
  evaluation: {
    flags: '-e, --evaluation <path>',
    description:
      'samples to compare FP32 and quantized on; repeatable. Without it: <model>.evaluation/ beside the model, else the calibration samples',
    group: HEADINGS.samples,
    path: true,
    parse: collect,
  },
  labels: {
    flags: '-l, --labels <file>',
    description:
      'right classes of the evaluation samples: measures accuracy. Without it: <model>.labels.txt, .tsv, .csv or .npy',
    group: HEADINGS.samples,
    path: true,
  },
  dtype: {
    flags: '--dtype <type>',
    description: 'element type of raw binary samples',
    group: HEADINGS.samples,
  },
  shape: {
    flags: '--shape <dims>',
    description: 'shape of one raw sample, such as 1x3x224x224',
    group: HEADINGS.samples,
  },
  dim: {
    flags: '--dim <name=size>',
    description: 'size of a symbolic input dimension; repeatable',
    group: HEADINGS.samples,
    parse: dimension,
  },
  limit: {
    flags: '--limit <n>',
    description: 'take the first n samples',
    group: HEADINGS.samples,
    parse: whole('limit', 1),
  },
  seed: {
    flags: '--seed <n>',
    description: 'seed of synthetic inputs and of stochastic rounding',
    group: HEADINGS.samples,
    parse: whole('seed'),
  },
  stats: {
    flags: '--stats <file>',
    description: 'ranges from a file that `quantize calibrate` wrote, instead of a pass over samples',
    group: HEADINGS.samples,
    path: true,
  },
  shard: {
    flags: '--shard <i/n>',
    description: 'take every n-th sample from the i-th on; `quantize merge` joins the parts',
    group: HEADINGS.samples,
    parse: shard,
  },
} satisfies Record<string, OptionSpec>;

export interface SampleOptions {
  calibration?: string[];
  evaluation?: string[];
  labels?: string;
  dtype?: string;
  shape?: string;
  dim?: Record<string, number>;
  limit?: number;
  seed?: number;
  stats?: string;
  shard?: [number, number];
}
