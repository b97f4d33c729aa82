import { intAttribute } from '../../../ir/graph.js';
import type { Node } from '../../../ir/model.js';
import { interleaved, transposedWindow, type Window, windowOf, zeros } from '../../lowering/window.js';
import type { Context, Inputs } from '../context.js';
import { floats, int, ints, text } from '../literal.js';
import type { Family, Lower } from './types.js';

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

export const CONVOLUTION: Family = { Conv: conv, ConvTranspose: convTranspose };
