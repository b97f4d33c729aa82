import { one, x } from './common.js';

const REDUCTIONS =
  'ReduceL1 ReduceL2 ReduceLogSum ReduceLogSumExp ReduceMax ReduceMean ReduceMin ReduceProd ReduceSum ReduceSumSquare';
export const reductions = REDUCTIONS.split(' ').flatMap((op) => {
  // The logarithm needs a positive sum.
  const inputs = { x: op === 'ReduceLogSum' ? { ...x, data: (x.data as Float32Array).map(Math.abs) } : x };
  return [
    one('all axes', 8, op, {}, { inputs }),
    one('some axes', 8, op, { axes: [1, 3], keepdims: 0 }, { inputs }),
    one('negative axis', 11, op, { axes: [-2] }, { inputs }),
  ];
});
