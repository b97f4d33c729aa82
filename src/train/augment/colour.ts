import type { Draw, Pictures } from './picture.js';

/** Factors lie between 1 − this and 1 + this; so does brightness, in deviations of the picture around its mean. */
const REACH = 0.4;
/** What is drawn for a picture; the first numbers place it. */
const [BRIGHTNESS, CONTRAST, SATURATION] = [5, 6, 7];

/** Pictures brighter or darker, of more or less contrast and colour; no value leaves what the batch spans. */
export function coloured(from: Float32Array, pictures: Pictures, draw: Draw): Float32Array {
  const { count, height, width, channels, strides, size } = pictures;
  let [least, most] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
  for (const v of from) [least, most] = [Math.min(least, v), Math.max(most, v)];
  const to = new Float32Array(from.length);
  for (let n = 0; n < count; n++) {
    const part = from.subarray(n * size, (n + 1) * size);
    const mean = part.reduce((sum, v) => sum + v, 0) / size;
    const deviation = Math.sqrt(part.reduce((sum, v) => sum + (v - mean) ** 2, 0) / size);
    const around = (what: number) => REACH * (2 * draw(n, what) - 1);
    const [contrast, saturation] = [1 + around(CONTRAST), 1 + around(SATURATION)];
    const offset = mean + around(BRIGHTNESS) * deviation;
    for (let p = 0; p < height * width; p++) {
      const at = n * size + Math.floor(p / width) * strides.y + (p % width) * strides.x;
      let grey = 0;
      for (let c = 0; c < channels; c++) grey += from[at + c * strides.c] / channels;
      for (let c = 0; c < channels; c++) {
        const i = at + c * strides.c;
        const value = offset + contrast * (grey + saturation * (from[i] - grey) - mean);
        to[i] = Math.min(Math.max(value, least), most);
      }
    }
  }
  return to;
}
