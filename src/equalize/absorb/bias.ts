import { dtypeName } from '../../ir/dtypes.js';
import { floatAttribute, isOp, type Links } from '../../ir/graph.js';
import type { Node } from '../../ir/model.js';
import type { Linear, Topology } from '../types.js';

/** Where what W·x is added to lies, or could lie: one constant a channel. */
export interface Bias {
  linear: Linear;
  node: Node;
  input: number;
  /** The sum. */
  tensor: string;
  channels: number;
}

/** The bias of a linear operator: its third input, or behind a MatMul the constant of an Add that alone reads it. */
export function biasOf(linear: Linear, topology: Topology, { uses, initializer }: Links): Bias | undefined {
  const { node, output, layout } = linear;
  if (!output || output.classes.length !== layout.outputs * layout.groups) return undefined;
  if (isOp(node, 'Gemm') && [1, 1].some((one, i) => floatAttribute(node, ['alpha', 'beta'][i], one) !== one))
    return undefined;
  const common = { linear, channels: output.classes.length };
  if (!isOp(node, 'MatMul')) return { ...common, node, input: 2, tensor: node.outputs[0] };
  const [use, more] = uses.get(output.tensor) ?? [];
  const addend = topology.addends.find((a) => a.node === use?.node);
  const constant = initializer.get(addend?.node.inputs[addend.input] ?? '');
  if (!addend || !constant || more || dtypeName(constant.dataType) !== 'float32') return undefined;
  if (!isOp(addend.node, 'Add') || addend.slot.classes.length !== common.channels) return undefined;
  return { ...common, node: addend.node, input: addend.input, tensor: addend.node.outputs[0] };
}
