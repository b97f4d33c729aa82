import { floatAttribute } from '../../ir/graph.js';
import { gradientOf, unbroadcast } from './common.js';
import type { Adjoint, Family } from './types.js';

/** Domain of operators that stand for several standard ones, which are written beside them. */
export const OWN = 'train';
export const FAKE_QUANTIZE = 'FakeQuantize';
export const GRADIENT_SCALE = 'gradient_scale';

/**
 * y = s·Q(x/s) with inputs x, s, whether x lies inside the grid, and the rounded value. Straight-through inside, 0
 * outside; by the scale (LSQ, arXiv 1902.08153, one formula for inside and outside): Σ g·(s·Q(x/s) − inside·x)/s, times
 * `gradient_scale`.
 */
const fakeQuantize: Adjoint = {
  op: `${OWN}:${FAKE_QUANTIZE}`,
  back: (step) => {
    const { b, node, dims, wants } = step;
    const [x, scale, inside, rounded] = node.inputs;
    const g = gradientOf(step);
    const byScale = () => {
      const slope = b.div(b.sub(rounded, b.where(inside, x)), scale);
      const sum = unbroadcast(b, b.mul(g, slope), dims(x), dims(scale));
      return b.scale(sum, floatAttribute(node, GRADIENT_SCALE, 1));
    };
    return [wants(0) ? b.where(inside, g) : undefined, wants(1) ? byScale() : undefined];
  },
};

export const fakeQuantFamily: Family = [fakeQuantize];
