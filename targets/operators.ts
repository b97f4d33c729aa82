/** Operators that only move elements: int8 data passes through them unchanged, so they never force a conversion. */
export const MOVEMENT_OPERATORS: readonly string[] = [
  'Reshape',
  'Flatten',
  'Squeeze',
  'Unsqueeze',
  'Transpose',
  'Concat',
  'Slice',
  'Gather',
  'Identity',
  'Dropout',
  'DepthToSpace',
  'SpaceToDepth',
];

/** What TensorRT runs on tensor cores or between them in 8 bits. */
export const TENSORRT_OPERATORS: readonly string[] = [
  'Conv',
  'ConvTranspose',
  'Gemm',
  'MatMul',
  'Add',
  'AveragePool',
  'GlobalAveragePool',
  'MaxPool',
  'Relu',
  'Clip',
  'Resize',
  ...MOVEMENT_OPERATORS,
];

/** What the Neural Engine leaves to the CPU or GPU: control flow, sorting, look-ups by value, and recurrence. */
export const NEURAL_ENGINE_FALLBACKS: readonly string[] = [
  'If',
  'Loop',
  'Scan',
  'LSTM',
  'GRU',
  'RNN',
  'NonMaxSuppression',
  'NonZero',
  'TopK',
  'Unique',
  'GatherND',
  'ScatterND',
  'ScatterElements',
  'CumSum',
  'DeformConv',
  'RoiAlign',
  'Einsum',
];

/** What the Neural Engine reads and writes in int8 between layers. */
export const NEURAL_ENGINE_OPERATORS: readonly string[] = [
  'Conv',
  'Gemm',
  'MatMul',
  // Add stays in float16, which the engine computes natively: rounding both operands of every residual sum costs
  // accuracy and saves no multiplication.
  'AveragePool',
  'MaxPool',
  'Relu',
  'LeakyRelu',
  'Clip',
  'Sigmoid',
  'Tanh',
  ...MOVEMENT_OPERATORS,
];
