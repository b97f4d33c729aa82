import { HEADINGS } from './headings.js';
import { decimal, numbers } from './parse.js';
import type { OptionSpec } from './spec.js';

/** What is done to a picture before a network sees it. */
export const IMAGE_OPTIONS = {
  preset: {
    flags: '--preset <name>',
    description: 'what a family of networks was trained with; the options below override it',
    group: HEADINGS.images,
    source: 'presets',
  },
  resize: {
    flags: '--resize <how>',
    description: 'how an image gets its size: short side and centre crop, exact, letterbox, or not at all',
    group: HEADINGS.images,
    choices: ['short', 'exact', 'letterbox', 'none'],
  },
  crop: {
    flags: '--crop <share>',
    description: 'side of the centre crop relative to the short side, such as 0.875',
    group: HEADINGS.images,
    parse: decimal('crop'),
  },
  size: {
    flags: '--size <height,width>',
    description: 'size of the images, where the model leaves it open',
    group: HEADINGS.images,
    parse: numbers('size', 2),
  },
  color: {
    flags: '--color <order>',
    description: 'channel order that the model was trained on',
    group: HEADINGS.images,
    choices: ['rgb', 'bgr'],
  },
  scale: {
    flags: '--scale <factor>',
    description: 'multiplies values 0…255 before mean and std',
    group: HEADINGS.images,
    parse: decimal('scale'),
  },
  layout: {
    flags: '--layout <layout>',
    description: 'axis order of the input; default: recognised from its shape',
    group: HEADINGS.images,
    choices: ['nchw', 'nhwc'],
  },
  mean: {
    flags: '--mean <values>',
    description: 'subtracted, one for all or one a channel, such as 0.485,0.456,0.406',
    group: HEADINGS.images,
    parse: numbers('mean'),
  },
  std: {
    flags: '--std <values>',
    description: 'then divided by, one for all or one a channel',
    group: HEADINGS.images,
    parse: numbers('std'),
  },
} satisfies Record<string, OptionSpec>;

export interface ImageOptions {
  preset?: string;
  resize?: 'short' | 'exact' | 'letterbox' | 'none';
  crop?: number;
  size?: [number, number];
  color?: 'rgb' | 'bgr';
  scale?: number;
  layout?: 'nchw' | 'nhwc';
  mean?: number[];
  std?: number[];
}
