import { attribute, stringAttribute } from '../../ir/graph.js';
import type { OperatorRule } from './types.js';

/** Operators whose outputs hold values of their inputs, so that codes can be moved as they are. */
export const SAME_SCALE: readonly OperatorRule[] = [
  {
    ops: ['Concat'],
    kind: 'sameScale',
    description: 'all inputs and the output share one scale, so that joining is copying',
  },
  {
    ops: [
      'Reshape',
      'Transpose',
      'Squeeze',
      'Unsqueeze',
      'Flatten',
      'Slice',
      'Split',
      'Expand',
      'Tile',
      'Identity',
      'Gather',
      'GatherElements',
      'GatherND',
      'DepthToSpace',
      'SpaceToDepth',
    ],
    kind: 'sameScale',
    description: 'values move, none changes',
    activations: [0],
  },
  {
    ops: ['MaxPool', 'GlobalMaxPool'],
    kind: 'sameScale',
    description: 'the largest of some codes is one of them',
    activations: [0],
  },
  {
    ops: ['Resize'],
    kind: 'sameScale',
    description: 'nearest-neighbour resizing repeats values',
    activations: [0],
    unless: (node) =>
      stringAttribute(node, 'mode', 'nearest') === 'nearest' ? undefined : 'interpolation makes new values',
  },
  {
    ops: ['Pad'],
    kind: 'sameScale',
    description: 'padding with zero or with the tensor’s own values',
    activations: [0],
    unless: (node) =>
      stringAttribute(node, 'mode', 'constant') === 'constant' &&
      (node.inputs[2] || attribute(node, 'value')?.f)
        ? 'pads with a constant that may lie outside the range'
        : undefined,
  },
];
