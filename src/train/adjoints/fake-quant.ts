import { floatAttribute } from '../../ir/graph.js';
import { gradientOf, unbroadcast } from './common.js';
import type { Adjoint, Family } from './types.js';

/** Domain of operators that stand for several standard ones, which are written beside them. */
export const OWN = 'train';
export const FAKE_QUANTIZE = 'FakeQuantize';
export const RANGE_QUANTIZE = 'RangeQuantize';
export const GRADIENT_SCALE = 'gradient_scale';
export const CEILING = 'ceiling';

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
      const error = b.sub(rounded, b.where(inside, x));
      const sum = unbroadcast(b, b.mul(g, error), dims(x), dims(scale));
      return b.scale(b.div(sum, scale), floatAttribute(node, GRADIENT_SCALE, 1));
    };
    return [wants(0) ? b.where(inside, g) : undefined, wants(1) ? byScale() : undefined];
  },
};

/**
 * The same with one scale, from bounds: inputs are the source (x, or what x was rectified from), s, x, the rounded value,
 * and the bounds that x lies between where gradients pass. Maps of activations are large, so each pass over them counts:
 * one mask serves grid and rectifier, and Σ g·(s·Q(x/s) − inside·x) is two products of rows. What lies at the rectifier's
 * `ceiling` passes no gradient; where the grid goes beyond it, it is inside of the grid all the same.
 */
const rangeQuantize: Adjoint = {
  op: `${OWN}:${RANGE_QUANTIZE}`,
  back: (step) => {
    const { b, node, dims, wants } = step;
    const [, scale, x, rounded, low, high] = node.inputs;
    const g = gradientOf(step);
    const most = floatAttribute(node, CEILING, Number.POSITIVE_INFINITY);
    const ceiling = Number.isFinite(most) ? b.number(most) : undefined;
    const top = ceiling === undefined ? high : b.op('Min', [high, ceiling]);
    const passed = b.where(b.both(b.less(low, x), b.less(x, top)), g);
    const byScale = () => {
      const dot = (left: string, right: string) => b.dot(left, right, dims(x));
      const inside =
        ceiling === undefined
          ? dot(passed, x)
          : b.op('Where', [b.less(ceiling, high), dot(g, x), dot(passed, x)]);
      const sum = b.reshape(b.sum(b.sub(dot(g, rounded), inside), [0]), dims(scale));
      return b.scale(b.div(sum, scale), floatAttribute(node, GRADIENT_SCALE, 1));
    };
    return [wants(0) ? passed : undefined, wants(1) ? byScale() : undefined];
  },
};

export const fakeQuantFamily: Family = [fakeQuantize, rangeQuantize];
