import { inPlace, intsToInput } from './edits.js';
import type { Adapter } from './types.js';

const REDUCTIONS = [
  'ReduceL1',
  'ReduceL2',
  'ReduceLogSum',
  'ReduceLogSumExp',
  'ReduceMax',
  'ReduceMean',
  'ReduceMin',
  'ReduceProd',
  'ReduceSumSquare',
];

/** ReduceSum took this step at 13 already; see shape-inputs.ts. Absent axes mean all axes before and after. */
export const REDUCE: readonly Adapter[] = [
  inPlace(REDUCTIONS, 18, 'axes become an input', (node, context) => intsToInput(node, context, 'axes', 1)),
];
