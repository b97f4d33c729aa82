import { elementOf } from '../../kernels/grid.js';
import type { Codes } from '../../kernels/quantize.js';
import { makeAttribute } from '../ir/graph.js';
import type { QuantizedWeight } from '../quantize/types.js';
import { OWN } from './adjoints/fake-quant.js';
import { INDECISION } from './adjoints/soft-rounding.js';
import type { Tape } from './tape.js';

/**
 * Learned rounding (AdaRound, arXiv 2004.10568): each weight lies between two neighbouring codes, at lower + h with
 * h = clip(1.2·σ(V) − 0.1, 0, 1), and V is trained. What the stretch beyond 0 and 1 is for: h can reach either.
 */
const [STRETCH, SHIFT] = [1.2, -0.1];
/** At the start a weight is at most so far from its code as this, so that it rounds to it, and at least so far, so that it can move. */
const [MOST, LEAST] = [0.45, 0.05];
/** Wider formats err too little for the choice of code to matter. */
const MOST_BITS = 4;

/** Whether the codes of a weight can be learned: neighbours are one apart, and no pattern forbids any. */
export const mayLearnCodes = ({ plan, mask, params, shape }: QuantizedWeight): boolean => {
  const row = elementOf(plan.format);
  return (
    row.kind === 'integer' &&
    row.bits <= MOST_BITS &&
    mask === undefined &&
    params.tables === undefined &&
    params.coded === undefined &&
    shape.block === undefined
  );
};

/** Bounds of the codes of a weight. */
const boundsOf = ({ plan }: QuantizedWeight): [number, number] => {
  const { qmin, qmax, symmetricMin, symmetricMax } = elementOf(plan.format);
  return plan.symmetric ? [symmetricMin, symmetricMax] : [qmin, qmax];
};

/** For each weight the lower one of the two codes between which it lies, and where V starts, so that it rounds to its code. */
export function between(
  weight: QuantizedWeight,
  wanted: Float32Array,
): { lower: Codes; start: Float32Array } {
  const { codes, params, shape } = weight;
  const { scales, zeroPoints } = params;
  const [low, high] = boundsOf(weight);
  const lower = codes.slice() as Codes;
  const start = new Float32Array(codes.length);
  for (let i = 0; i < codes.length; i++) {
    const channel = Math.floor(i / shape.inner) % shape.channels;
    const off = wanted[i] / scales[channel] + zeroPoints[channel] - codes[i];
    const up = (off > 0 && codes[i] < high) || codes[i] === low;
    const reach = Math.min(Math.max(up ? off : -off, LEAST), MOST);
    if (!up) lower[i]--;
    start[i] = inverse(up ? reach : 1 - reach);
  }
  return { lower, start };
}

/** V for a given h. */
const inverse = (h: number): number => {
  const share = (h - SHIFT) / STRETCH;
  return Math.log(share / (1 - share));
};

/** Codes as V has them. */
export const decided = (lower: Codes, v: Float32Array): Codes =>
  lower.map((code, i) => (v[i] > 0 ? code + 1 : code)) as Codes;

/** Writes h for V: soft while it is trained, else 0 or 1. */
export function writeShare(tape: Tape, v: string, soft: boolean): string {
  const { b } = tape;
  const dims = tape.dims(v);
  if (!soft) {
    const upper = b.where(b.less(b.number(0), v), b.number(1));
    tape.sizes.set(upper, dims);
    return upper;
  }
  const wide = tape.op('Mul', [tape.op('Sigmoid', [v], dims), b.number(STRETCH)], dims);
  const moved = tape.op('Add', [wide, b.number(SHIFT)], dims);
  return tape.op('Clip', [moved, b.number(0), b.number(1)], dims);
}

/** Σ 1 − |2h − 1|^β: how far the codes are from being decided. */
export function writeIndecision(tape: Tape, h: string, power: string): string {
  const { b } = tape;
  const distance = b.op('Abs', [b.sub(b.scale(h, 2), b.number(1))]);
  const all = b.op(
    'ReduceSum',
    [b.sub(b.number(1), b.op('Pow', [distance, power]))],
    [makeAttribute.int('keepdims', 0)],
  );
  tape.sizes.set(all, []);
  tape.mark(INDECISION, OWN, [h, power, distance], all, []);
  return all;
}
