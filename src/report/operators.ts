/** How operators count in the cost model: facts, one table a kind. */

/** Nodes that cost nothing: they rename bytes, or vanish into the kernel that reads or writes the value. */
export const VIEW_OPERATORS: ReadonlySet<string> = new Set([
  'Identity',
  'Reshape',
  'Flatten',
  'Squeeze',
  'Unsqueeze',
  'Dropout',
  'Cast',
  'QuantizeLinear',
  'DequantizeLinear',
]);

/** Views that are calls of their own where no compiler removes them. */
export const RENAMING_OPERATORS: ReadonlySet<string> = new Set([
  'Reshape',
  'Flatten',
  'Squeeze',
  'Unsqueeze',
  'Cast',
]);

/** Nodes over shapes and constants, worked out before the run. */
export const CONSTANT_OPERATORS: ReadonlySet<string> = new Set([
  'Constant',
  'ConstantOfShape',
  'Shape',
  'Size',
  'Range',
]);

/**
 * Element-wise operators, which every compiler named here runs in the epilogue of the kernel before them: operations
 * an element of the output. Transcendental ones count as a short polynomial.
 */
export const FUSIBLE_OPERATORS: Readonly<Record<string, number>> = {
  Relu: 1,
  LeakyRelu: 2,
  PRelu: 2,
  Clip: 2,
  Abs: 1,
  Neg: 1,
  Add: 1,
  Sub: 1,
  Mul: 1,
  Div: 1,
  Pow: 2,
  Sqrt: 1,
  Reciprocal: 1,
  Min: 1,
  Max: 1,
  Where: 1,
  Not: 1,
  Equal: 1,
  Less: 1,
  Greater: 1,
  And: 1,
  Or: 1,
  HardSigmoid: 3,
  HardSwish: 4,
  BatchNormalization: 2,
  Sigmoid: 8,
  Tanh: 8,
  Exp: 8,
  Log: 8,
  Erf: 8,
  Gelu: 10,
  Elu: 8,
  Selu: 8,
  Celu: 8,
  Softplus: 8,
  Softsign: 3,
  Mish: 10,
  Swish: 9,
  RotaryEmbedding: 4,
};

/** Operators that reduce over a row: compilers that fuse rows run them with the element-wise nodes around them. */
export const ROW_OPERATORS: readonly string[] = [
  'Softmax',
  'LogSoftmax',
  'LayerNormalization',
  'RMSNormalization',
  'SimplifiedLayerNormalization',
  'SkipLayerNormalization',
  'ReduceMean',
  'ReduceSum',
  'ReduceMax',
  'ReduceL2',
];

/** Operations an element of the larger of input and output, for operators that are kernels of their own. */
export const OPERATIONS_PER_ELEMENT: Readonly<Record<string, number>> = {
  Softmax: 10,
  LogSoftmax: 10,
  LayerNormalization: 8,
  RMSNormalization: 6,
  InstanceNormalization: 8,
  GroupNormalization: 8,
  LpNormalization: 4,
  LRN: 10,
  Resize: 8,
  Upsample: 1,
};

/** Operators that only move elements: bytes, no operations. */
export const MOVING_OPERATORS: ReadonlySet<string> = new Set([
  'Transpose',
  'Concat',
  'Split',
  'Slice',
  'Gather',
  'GatherElements',
  'GatherND',
  'ScatterElements',
  'ScatterND',
  'Pad',
  'Expand',
  'Tile',
  'DepthToSpace',
  'SpaceToDepth',
]);
