import { normals as normal, uniform } from '../../kernels/random.js';

/** `n` standard normal values. */
export function normals(n: number, seed: number): Float32Array {
  return Float32Array.from({ length: n }, normal(uniform(seed)));
}

export const SPECIALS = [
  0,
  -0,
  Number.NaN,
  Infinity,
  -Infinity,
  2 ** -149,
  -(2 ** -149),
  2 ** -126,
  -(2 ** -127),
  3.4028234663852886e38,
  -3.4028234663852886e38,
  16777215,
  16777217,
  -8388607.5,
];

const bits = new Int32Array(1);
const float = new Float32Array(bits.buffer);
/** The float32 `steps` places above (or below) x. */
export function neighbour(x: number, steps: number): number {
  float[0] = x;
  bits[0] += x < 0 ? -steps : steps;
  return float[0];
}

/** Values where rounding schemes part: every tie of the grid of `scale` and its neighbours, far outside, special values. */
export function hardValues(scale: number, n: number, seed: number): Float32Array {
  const next = uniform(seed);
  const out = new Float32Array(n);
  for (let i = 0; i < n; i++) {
    const kind = i % 8;
    const tie = Math.fround((Math.floor(next() * 520) - 260 + 0.5) * scale);
    if (kind < 4) out[i] = neighbour(tie, kind - 1);
    else if (kind === 4) out[i] = (next() * 2 - 1) * 300 * scale;
    else if (kind === 5) out[i] = SPECIALS[Math.floor(next() * SPECIALS.length)];
    else if (kind === 6)
      out[i] = neighbour(Math.floor(next() * 600 - 300) * scale, Math.floor(next() * 3) - 1);
    else out[i] = (next() - 0.5) * 2 ** Math.floor(next() * 250 - 125);
  }
  return out;
}
