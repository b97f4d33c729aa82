import { gradientOf } from './common.js';
import { OWN } from './fake-quant.js';
import type { Adjoint, Family } from './types.js';

export const INDECISION = 'Indecision';

/** y = Σ 1 − |2h − 1|^β with inputs h, β, and |2h − 1|; β is not learned. By h: −2β·|2h − 1|^(β − 1)·sign(2h − 1). */
const indecision: Adjoint = {
  op: `${OWN}:${INDECISION}`,
  back: (step) => {
    const { b, node } = step;
    const [h, power, distance] = node.inputs;
    const side = b.op('Sign', [b.sub(h, b.number(0.5))]);
    const slope = b.mul(b.scale(power, -2), b.op('Pow', [distance, b.sub(power, b.number(1))]));
    return [b.mul(gradientOf(step), b.mul(slope, side)), undefined, undefined];
  },
};

export const softRoundingFamily: Family = [indecision];
