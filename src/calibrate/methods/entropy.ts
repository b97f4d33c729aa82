import { entropyThreshold } from '../../../kernels/entropy.js';
import { magnitudeQuantile } from '../../../kernels/histogram.js';
import { linearBins } from '../../../kernels/side.js';
import type { CalibrationMethod, Range, RangeRequest, TensorStats } from '../types.js';
import { densities, isConstant, largestMagnitude, observedRange, widened, within } from './common.js';

const BINS = 2048;
/** Candidates are 4 bins, 1/512 of the range, apart: the divergence is flat around its minimum. */
const STRIDE = 4;
/** The bins span twice what holds this share of |x|, so that one outlier does not leave the bulk a handful of bins. */
const BULK = 0.9999;
/** No threshold clips more than a hundredth of the values. */
const KEEP = 0.99;

/**
 * The clipping threshold that loses the least information (Kullback–Leibler divergence) about the distribution of |x|;
 * see kernels/entropy.ts for the algorithm and for what it mends. A tensor of both signs has half of the grid for
 * either. It minimises nothing that the network computes: for outputs of softmax or a sum of squares prefer another.
 */
export const entropy: CalibrationMethod = {
  id: 'entropy',
  description: 'least Kullback–Leibler divergence between the values and their quantized picture',
  range: (stats, request) => (isConstant(stats) ? observedRange(stats) : entropyRange(stats, request)),
};

function entropyRange(stats: TensorStats, { steps, symmetric }: RangeRequest): Range {
  const whole = widened(stats);
  const largest = largestMagnitude(whole);
  const oneSided = !symmetric && (whole.min === 0 || whole.max === 0);
  const levels = oneSided ? steps + 1 : Math.ceil((steps + 1) / 2);
  const bulk = magnitudeQuantile(stats, BULK);
  const range = bulk > 0 ? Math.min(largest, 2 * bulk) : largest;
  const { bins, beyond } = linearBins(densities(stats), range, BINS);
  const { bin } = entropyThreshold(bins, levels, { stride: STRIDE, beyond, keep: KEEP });
  return within(whole, (range * bin) / BINS);
}
