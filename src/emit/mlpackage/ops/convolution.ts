import { intAttribute, intsAttribute, stringAttribute } from '../../../ir/graph.js';
import type { Node } from '../../../ir/model.js';
import type { Context, Inputs } from '../context.js';
import { floats, int, ints, text } from '../literal.js';
import type { Family, Lower } from './types.js';
import { interleaved, type Window, windowOf, zeros } from './window.js';

/** Strides, padding and dilations, written out even where they are the default: the runtime relies on it. */
const convInputs = ({ strides, begin, end, dilations }: Window, groups: number): Inputs => ({
  strides: ints(strides),
  pad_type: text('custom'),
  pad: ints(interleaved(begin, end)),
  dilations: ints(dilations),
  groups: int(groups),
});

/** A constant bias goes in as one; a computed one would have to be added behind. */
function biasOf(node: Node, c: Context) {
  if (!node.inputs[2]) return undefined;
  const values = c.floats(node.inputs[2]);
  if (!values) return c.refuse('its bias is computed, where Core ML takes a constant');
  return floats(c.float, values, [values.length]);
}

const conv: Lower = (node, c) => {
  const x = c.input(0);
  const weight = c.input(1);
  const dims = c.dims(node.outputs[0]);
  const window = windowOf(node, weight.dims.slice(2), x.dims.slice(2), dims.slice(2));
  const groups = intAttribute(node, 'group', 1);
  return c.op('conv', { x, weight, bias: biasOf(node, c), ...convInputs(window, groups) }, dims);
};

/**
 * Padding here crops the result, so output_padding crops less at the end. Cells beyond what the kernel covers hold the
 * bias alone: zeros are padded on, and the bias is added behind.
 */
const convTranspose: Lower = (node, c) => {
  const x = c.input(0);
  const weight = c.input(1);
  const dims = c.dims(node.outputs[0]);
  const window = transposedWindow(node, x.dims.slice(2), weight.dims.slice(2), dims.slice(2));
  const beyond = window.end.map((e) => Math.max(-e, 0));
  const cropped = { ...window, end: window.end.map((e) => Math.max(e, 0)) };
  const bias = biasOf(node, c);
  const inputs = { x, weight, ...convInputs(cropped, intAttribute(node, 'group', 1)) };
  if (beyond.every((b) => b === 0)) return c.op('conv_transpose', { ...inputs, bias }, dims);
  const covered = c.op('conv_transpose', inputs, [
    ...dims.slice(0, 2),
    ...dims.slice(2).map((d, i) => d - beyond[i]),
  ]);
  const pad = ints([0, 0, 0, 0, ...interleaved(zeros(beyond.length), beyond)]);
  const whole = c.op('pad', { x: covered, pad, mode: text('constant'), constant_val: c.number(0) }, dims);
  const perChannel = bias && { ...bias, dims: [dims[1], ...beyond.map(() => 1)] };
  return perChannel ? c.op('add', { x: whole, y: perChannel }, dims) : whole;
};

/** `end` below 0: so many cells lie beyond the kernel. */
export function transposedWindow(node: Node, input: number[], kernel: number[], output: number[]): Window {
  const listed = (name: string) => intsAttribute(node, name) ?? kernel.map(() => 1);
  const [strides, dilations] = [listed('strides'), listed('dilations')];
  const cropped = kernel.map((k, i) => (input[i] - 1) * strides[i] + (k - 1) * dilations[i] + 1 - output[i]);
  const begin = cropBegin(node, cropped);
  return {
    kernel,
    strides,
    dilations,
    begin,
    end: cropped.map((n, i) => n - begin[i]),
    extra: zeros(kernel.length),
  };
}

/** What is cropped in front: as stated, or half of it where the output's shape decides (the smaller half for UPPER). */
function cropBegin(node: Node, cropped: number[]): number[] {
  const auto = stringAttribute(node, 'auto_pad', 'NOTSET');
  const pads = intsAttribute(node, 'pads');
  if (auto === 'NOTSET' && !intsAttribute(node, 'output_shape'))
    return pads?.slice(0, cropped.length) ?? zeros(cropped.length);
  if (auto === 'VALID') return zeros(cropped.length);
  const held = cropped.map((n) => Math.max(n, 0));
  return held.map((n) => (auto === 'SAME_UPPER' ? Math.floor(n / 2) : Math.ceil(n / 2)));
}

export const CONVOLUTION: Family = { Conv: conv, ConvTranspose: convTranspose };
