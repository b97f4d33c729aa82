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
