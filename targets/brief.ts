import { a17Ane } from './a17-ane.js';
import { vendor } from './facts.js';
import { h100Sxm } from './h100-sxm.js';
import { tpuV4 } from './tpu-v4.js';
import type { Fact, Target } from './types.js';

/** Figures of a course text as it states them, for comparison: no other source has the first two. */
const stated = (value: number, unit: string): Fact =>
  vendor(value, unit, 'the course text, as it stands', '2025-01');

const caveat = (what: string): string =>
  `this profile holds the course text’s own figures; the sourced ones are in the target without "@brief": ${what}`;

export const a17AneBrief: Target = {
  ...a17Ane,
  id: 'a17-ane@brief',
  name: 'Apple A17 Neural Engine by the course text',
  aliases: [],
  description: '17 TOPS and 2 W; int8 is computed, float16 at half of its rate',
  peak: { int8: stated(17e12, 'op/s'), float16: stated(8.5e12, 'op/s') },
  power: { ...a17Ane.power!, peak: stated(2, 'W') },
  caveats: [caveat('35 TOPS; 17 TOPS is the A16')],
};

export const tpuV4Brief: Target = {
  ...tpuV4,
  id: 'tpu-v4@brief',
  name: 'Google TPU v4 by the course text',
  aliases: [],
  description: '430 TFLOPS, 8 GB, arrays of 256×256',
  peak: { int8: stated(430e12, 'op/s'), bfloat16: stated(430e12, 'op/s') },
  array: { ...tpuV4.array!, columns: stated(256, 'columns'), depth: stated(256, 'elements') },
  memory: { ...tpuV4.memory!, bytes: stated(8e9, 'bytes') },
  caveats: [caveat('275 TFLOPS, 32 GiB, 128×128')],
};

export const h100Brief: Target = {
  ...h100Sxm,
  id: 'h100-sxm@brief',
  name: 'NVIDIA H100 by the course text',
  aliases: [],
  description: 'float16 twice and 8 bits four times the float32 rate',
  peak: {
    float32: stated(66.9e12, 'op/s'),
    tf32: stated(100e12, 'op/s'),
    float16: stated(134e12, 'op/s'),
    bfloat16: stated(134e12, 'op/s'),
    fp8: stated(268e12, 'op/s'),
    int8: stated(268e12, 'op/s'),
  },
  sparsePeak: undefined,
  caveats: [caveat('float16 is 14.8 and FP8 29.6 times float32')],
};
