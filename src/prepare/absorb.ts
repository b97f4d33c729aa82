import { floatAttribute, isOp, makeAttribute, setAttribute } from '../ir/graph.js';
import type { Node, Tensor } from '../ir/model.js';
import { elementCount, floatValues, makeTensor, tensorDtype } from '../ir/tensor.js';
import { isPinned } from './edit.js';
import { channelVector, type Folding, type LinearUnit } from './linear.js';

/** y ← scale[c]·y + shift[c] for each output channel c. */
export interface ChannelAffine {
  scale: Float64Array;
  shift: Float64Array;
}

/**
 * Moves an affine map behind a linear unit into its weight and bias and lets the unit make `after`'s output:
 *   W'[c, …] = scale[c]·W[c, …]        b'[c] = scale[c]·b[c] + shift[c]
 * in float64, stored as float32. A weight or bias that others read is copied under a new name first.
 * A bare MatMul has no bias: `after` then becomes the Add of b'.
 * @returns why not, when it cannot be done; undefined when it is done
 */
export function absorb(
  folding: Folding,
  unit: LinearUnit,
  map: ChannelAffine,
  after: Node,
): string | undefined {
  const old = biasOf(folding, unit);
  if (typeof old === 'string') return old;
  const scales = map.scale.some((s) => s !== 1);
  if (!scales && !unit.biasSlot) return 'a MatMul has no bias to take it';
  const weight = scales ? scaledWeight(unit, map.scale) : new Float32Array(0);
  const bias = Float32Array.from(map.shift, (t, c) => t + map.scale[c] * (old?.[c] ?? 0));
  if (![weight, bias].every((values) => values.every(Number.isFinite)))
    return 'the result would not be finite in float32';
  if (scales) replaceInput(folding, unit.node, 1, unit.weight.dims, weight);
  if (old || bias.some((b) => b !== 0)) return placeBias(folding, unit, bias, after);
  takeOver(folding, unit.tail, after);
  return undefined;
}

/** Models have millions of weights: plain loops, no callback for each. */
function scaledWeight(unit: LinearUnit, scale: Float64Array): Float32Array {
  const weight = floatValues(unit.weight).slice();
  for (let start = 0, position = 0; start < weight.length; start += unit.run, position++) {
    const factor = scale[unit.channelOf(position)];
    const end = start + unit.run;
    for (let i = start; i < end; i++) weight[i] *= factor;
  }
  return weight;
}

/** Current bias by channel, Gemm's beta included; undefined when there is none, a reason when it cannot be used. */
function biasOf(folding: Folding, unit: LinearUnit): Float64Array | string | undefined {
  const name = unit.biasSlot?.node.inputs[unit.biasSlot.input];
  if (!name) return undefined;
  const tensor = folding.constants.get(name);
  const values = tensor && biasVector(tensor, unit);
  if (!values) return `the bias "${name}" is not a float32 constant with one value a channel`;
  const beta = isOp(unit.node, 'Gemm') ? floatAttribute(unit.node, 'beta', 1) : 1;
  return values.map((b) => b * beta);
}

/** The bias of a convolution is a vector of channels; elsewhere it broadcasts like any addend. */
function biasVector(tensor: Tensor, unit: LinearUnit): Float64Array | undefined {
  if (!isOp(unit.node, 'Conv', 'ConvTranspose')) return channelVector(tensor, unit);
  const fits = tensorDtype(tensor) === 'float32' && elementCount(tensor.dims) === unit.channels;
  return fits ? Float64Array.from(floatValues(tensor)) : undefined;
}

function placeBias(folding: Folding, unit: LinearUnit, bias: Float32Array, after: Node): undefined {
  if (!unit.biasSlot) {
    after.opType = 'Add';
    after.attributes = [];
    after.inputs = [unit.tail.outputs[0], ''];
    after.outputs = [after.outputs[0]];
    replaceInput(folding, after, 1, [bias.length], bias);
    return;
  }
  const { node, input } = unit.biasSlot;
  replaceInput(folding, node, input, [bias.length], bias);
  if (isOp(node, 'Gemm') && floatAttribute(node, 'beta', 1) !== 1)
    setAttribute(node, makeAttribute.float('beta', 1));
  takeOver(folding, unit.tail, after);
}

/** `tail` makes the output of `after`, which goes. */
function takeOver(folding: Folding, tail: Node, after: Node): void {
  tail.outputs = [after.outputs[0]];
  folding.links.producer.set(after.outputs[0], tail);
  folding.gone.add(after);
}

/** Gives a node input new values: in place when the constant is its alone, else as a new initializer. */
function replaceInput(
  folding: Folding,
  node: Node,
  input: number,
  dims: number[],
  values: Float32Array,
): void {
  const name = node.inputs[input];
  const { links: l, graph } = folding;
  const alone = name && (l.uses.get(name)?.length ?? 0) <= 1 && !isPinned(l, name);
  const target = alone ? name : folding.fresh(name || `${node.inputs[1] || node.outputs[0]}_bias`);
  const tensor = makeTensor(target, 'float32', dims, values);
  const at = alone ? graph.initializers.findIndex((t) => t.name === name) : -1;
  if (at >= 0) graph.initializers[at] = tensor;
  else graph.initializers.push(tensor);
  if (!alone && name)
    l.uses.set(
      name,
      l.uses.get(name)!.filter((use) => use.node !== node || use.input !== input),
    );
  while (node.inputs.length < input) node.inputs.push('');
  node.inputs[input] = target;
  l.uses.set(target, [{ node, input }]);
  folding.constants.set(target, tensor);
}
