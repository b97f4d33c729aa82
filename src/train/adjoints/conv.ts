import { intAttribute, makeAttribute } from '../../ir/graph.js';
import type { Builder } from '../builder.js';
import { gradientOf, range, same } from './common.js';
import { filterGradient } from './filter-gradient.js';
import type { Adjoint, Family, Step } from './types.js';
import { extent, type Sizes, type Windows, windowsOf } from './windows.js';

/** Convolution attributes of windows. */
const attributesOf = ({ strides, dilations, before, after }: Windows, group: number) => [
  makeAttribute.ints('strides', strides),
  makeAttribute.ints('dilations', dilations),
  makeAttribute.ints('pads', [...before, ...after]),
  makeAttribute.int('group', group),
];

/**
 * dL/dx of y = conv(x, W). At stride 1 a convolution with the filters turned round and their channels exchanged, which
 * runs three times as fast as ConvTranspose; ConvTranspose otherwise.
 */
function inputGradient(
  b: Builder,
  g: string,
  filters: string,
  sizes: Sizes,
  w: Windows,
  group: number,
): string {
  const axes = range(w.kernel.length);
  const pads = (side: number[]) => axes.map((i) => extent(w, i) - 1 - side[i]);
  const flipped = { ...w, before: pads(w.before), after: pads(w.after) };
  const simple =
    w.strides.every((s) => s === 1) && [...flipped.before, ...flipped.after].every((p) => p >= 0);
  if (simple) return b.op('Conv', [g, turnedRound(b, filters, sizes.w, group)], attributesOf(flipped, group));
  const rest = axes.map(
    (i) => sizes.x[i + 2] - ((sizes.y[i + 2] - 1) * w.strides[i] - w.before[i] - w.after[i] + extent(w, i)),
  );
  return b.op(
    'ConvTranspose',
    [g, filters],
    [...attributesOf(w, group), makeAttribute.ints('output_padding', rest)],
  );
}

/** [Co, Ci/g, k…] → [Ci, Co/g, k…], each filter reversed. */
function turnedRound(b: Builder, filters: string, [co, inputs, ...kernel]: number[], group: number): string {
  const spatial = range(kernel.length);
  const large = spatial.filter((i) => kernel[i] > 1);
  const reversed =
    large.length === 0
      ? filters
      : b.slice(
          filters,
          large.map((i) => i + 2),
          large.map(() => -1),
          large.map(() => -(2 ** 31)),
          large.map(() => -1),
        );
  if (group === 1) return b.transpose(reversed, [1, 0, ...spatial.map((i) => i + 2)]);
  const split = b.reshape(reversed, [group, co / group, inputs, ...kernel]);
  const exchanged = b.transpose(split, [0, 2, 1, ...spatial.map((i) => i + 3)]);
  return b.reshape(exchanged, [group * inputs, co / group, ...kernel]);
}

/** A row of one value a channel: dY summed over all else. */
const biasGradient = ({ b, dims, node }: Step, g: string): string =>
  b.sum(
    g,
    range(dims(node.outputs[0]).length).filter((i) => i !== 1),
    false,
  );

const conv: Adjoint = {
  op: 'Conv',
  back: (step) => {
    const { b, node, dims, wants } = step;
    const [x, filters, bias] = node.inputs;
    const sizes = { x: dims(x), w: dims(filters), y: dims(node.outputs[0]) };
    const w = windowsOf(node, sizes.w.slice(2), sizes.x, sizes.y);
    const group = intAttribute(node, 'group', 1);
    const g = gradientOf(step);
    return [
      wants(0) ? inputGradient(b, g, filters, sizes, w, group) : undefined,
      wants(1) ? filterGradient(b, x, g, sizes, w, group) : undefined,
      bias && wants(2) ? biasGradient(step, g) : undefined,
    ];
  },
};

/** Y = ConvTranspose(X, W) is the dX of a convolution, so its own dX is that convolution, and dW with the roles exchanged. */
const convTranspose: Adjoint = {
  op: 'ConvTranspose',
  refuses: ({ node }) =>
    node.attributes.some((a) => a.name === 'auto_pad' || a.name === 'output_shape')
      ? 'its padding follows from its output'
      : undefined,
  back: (step) => {
    const { b, node, dims, wants } = step;
    const [x, filters, bias] = node.inputs;
    const sizes = { x: dims(node.outputs[0]), w: dims(filters), y: dims(x) };
    const stated = windowsOf(node, sizes.w.slice(2), sizes.x, sizes.y);
    const group = intAttribute(node, 'group', 1);
    const g = gradientOf(step);
    // output_padding takes back what pads cut off at the end; what it adds beyond that meets no window.
    const axes = range(stated.kernel.length);
    const whole = axes.map(
      (i) => (sizes.y[i + 2] - 1) * stated.strides[i] + extent(stated, i) - stated.before[i],
    );
    const used = axes.map((i) => Math.min(whole[i], sizes.x[i + 2]));
    const w = { ...stated, after: axes.map((i) => whole[i] - used[i]) };
    const cropped = same(used, sizes.x.slice(2))
      ? g
      : b.slice(
          g,
          axes.map((i) => i + 2),
          axes.map(() => 0),
          used,
        );
    const seen = { ...sizes, x: [...sizes.x.slice(0, 2), ...used] };
    return [
      wants(0) ? b.op('Conv', [cropped, filters], attributesOf(w, group)) : undefined,
      wants(1) ? filterGradient(b, cropped, x, seen, w, group) : undefined,
      bias && wants(2) ? biasGradient(step, g) : undefined,
    ];
  },
};

export const convFamily: Family = [conv, convTranspose];
