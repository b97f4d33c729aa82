import { intAttribute } from '../../../ir/graph.js';
import type { Node } from '../../../ir/model.js';
import { transposedWindow, windowOf } from '../../lowering/window.js';
import { transposeWeight, type Weight } from '../../weight.js';
import { range } from '../builder.js';
import type { Context } from '../context.js';
import { convolve, type Sliding, weighted, withBias } from '../product.js';
import type { Value } from '../program.js';
import type { Family, Lower } from './types.js';

const conv: Lower = (node, c) => {
  const [input, name, bias] = node.inputs;
  const dims = c.dims(node.outputs[0]);
  const window = windowOf(node, c.dims(name).slice(2), c.dims(input).slice(2), dims.slice(2));
  const groups = intAttribute(node, 'group', 1);
  const multiply = (x: Value, filter: Value, zero: number) => convolve(c, x, filter, window, groups, zero);
  const weight = c.weight(name);
  if (weight) return weighted(c, { input, weight, name, bias, axis: 0, channel: 1, multiply });
  // A filter that is computed, such as one reshaped from stored rows.
  const [x, filter] = [input, name].map((value) => c.convert(c.value(value), c.compute));
  return withBias(c, { bias, channel: 1 }, multiply(x, filter, 0));
};

/** The gradient of a convolution: zeros between the inputs, and the filter turned around. */
const convTranspose: Lower = (node, c) => {
  const [input, name, bias] = node.inputs;
  const weight = c.weight(name) ?? c.refuse('its filter is computed');
  const dims = c.dims(node.outputs[0]);
  const groups = intAttribute(node, 'group', 1);
  const window = spreadWindow(node, c.dims(input).slice(2), weight.dims.slice(2), dims.slice(2));
  const spatial = range(dims.length, 2);
  return weighted(c, {
    input,
    weight: groups === 1 ? transposeWeight(weight, [1, 0, ...spatial]) : weight,
    name,
    bias,
    // With groups no axis of the filter is the output's channels.
    axis: groups === 1 ? 0 : -1,
    channel: 1,
    multiply: (x, filter, zero) =>
      convolve(c, x, c.reverse(groupedFilter(c, filter, weight, groups), spatial), window, groups, zero),
  });
};

/** What the transposed one crops, taken from the padding that reaches every cell. */
function spreadWindow(node: Node, input: number[], kernel: number[], output: number[]): Sliding {
  const { begin, end, strides, dilations } = transposedWindow(node, input, kernel, output);
  const reach = kernel.map((k, i) => (k - 1) * dilations[i]);
  return {
    kernel,
    dilations,
    strides: kernel.map(() => 1),
    spread: strides,
    begin: begin.map((b, i) => reach[i] - b),
    end: end.map((e, i) => reach[i] - e),
  };
}

/** [C, O/g, …] → [O, C/g, …]. */
function groupedFilter(c: Context, filter: Value, { dims }: Weight, groups: number): Value {
  if (groups === 1) return filter;
  const [inputs, outputs, ...kernel] = dims;
  const split = c.reshape(filter, [groups, inputs / groups, outputs, ...kernel]);
  const turned = c.transpose(split, [0, 2, 1, ...range(kernel.length + 3, 3)]);
  return c.reshape(turned, [groups * outputs, inputs / groups, ...kernel]);
}

export const CONVOLUTION: Family = { Conv: conv, ConvTranspose: convTranspose };
