// SI-SNR of a two-stage denoiser (DTLN) on made-up speech in white noise at 5 dB, for bench/tasks.js.
import { xorshift32 } from '../dist/kernels/random.js';
import { openSession } from '../dist/src/runtime/index.js';

const RATE = 16_000;
const [FRAME, HOP, BINS] = [512, 128, 257];
const CLIPS = 3;
const SECONDS = 2;
const NOISE_DB = 5;

/** Uniform numbers in [0, 1), always the same for a seed. */
const uniform = (seed) => xorshift32(Math.imul(seed, 0x9e3779b1) | 1);

/** Voiced syllables of gliding pitch under three formants, with pauses. */
function speech(random) {
  const wave = new Float64Array(SECONDS * RATE);
  for (let start = 0; start < wave.length; ) {
    const length = Math.floor((0.12 + 0.25 * random()) * RATE);
    const [pitch, glide] = [90 + 140 * random(), (random() - 0.5) * 60];
    const formants = [300 + 500 * random(), 900 + 1400 * random(), 2300 + 900 * random()];
    let phase = 0;
    for (let t = 0; t < length && start + t < wave.length; t++) {
      const f0 = pitch + (glide * t) / length;
      phase += (2 * Math.PI * f0) / RATE;
      let value = 0;
      for (let h = 1; h * f0 < 4000; h++) {
        const gain = formants.reduce((g, f, i) => g + 1 / ((i + 1) * (1 + ((h * f0 - f) / 90) ** 2)), 0.01);
        value += gain * Math.sin(h * phase);
      }
      wave[start + t] = 0.12 * Math.sin((Math.PI * t) / length) * value;
    }
    start += length + Math.floor(0.15 * random() * RATE);
  }
  return wave;
}

const power = (wave) => wave.reduce((sum, x) => sum + x * x, 0) / wave.length;

/** The same with noise beside it. */
function mixture(seed) {
  const random = uniform(seed);
  const clean = speech(random);
  const noise = clean.map(() => random() + random() + random() - 1.5);
  const level = Math.sqrt(power(clean) / power(noise) / 10 ** (NOISE_DB / 10));
  return { clean, noisy: clean.map((x, t) => x + level * noise[t]) };
}

const COS = Float64Array.from({ length: FRAME }, (_, i) => Math.cos((2 * Math.PI * i) / FRAME));
const SIN = Float64Array.from({ length: FRAME }, (_, i) => Math.sin((2 * Math.PI * i) / FRAME));

function spectrum(frame) {
  const [re, im] = [new Float64Array(BINS), new Float64Array(BINS)];
  for (let k = 0; k < BINS; k++)
    for (let t = 0; t < FRAME; t++) {
      re[k] += frame[t] * COS[(k * t) % FRAME];
      im[k] -= frame[t] * SIN[(k * t) % FRAME];
    }
  return { re, im };
}

const wave = ({ re, im }, mask) =>
  Float32Array.from({ length: FRAME }, (_, t) => {
    let value = 0;
    for (let k = 0; k < BINS; k++) {
      const at = (k * t) % FRAME;
      value += (k % (BINS - 1) ? 2 : 1) * mask[k] * (re[k] * COS[at] - im[k] * SIN[at]);
    }
    return value / FRAME;
  });

/** A network with its state, step by step. */
function stepper(session) {
  const [input, state] = session.inputs;
  const [output, next] = session.outputs;
  let held = new Float32Array(512);
  const dims = [1, 2, 128, 2];
  return async (data) => {
    const out = await session.run({
      [input.name]: { dtype: 'float32', dims: [1, 1, data.length], data },
      [state.name]: { dtype: 'float32', dims, data: held },
    });
    held = Float32Array.from(out[next.name].data);
    return out[output.name].data;
  };
}

/** A mask on the magnitudes of each frame, then the frame itself through the second network; frames are added up. */
async function denoised(noisy, [first, second]) {
  const [mask, frame] = [stepper(first), stepper(second)];
  const out = new Float64Array(noisy.length);
  for (let start = 0; start + FRAME <= noisy.length; start += HOP) {
    const bins = spectrum(noisy.subarray(start, start + FRAME));
    const magnitudes = Float32Array.from(bins.re, (r, k) => Math.hypot(r, bins.im[k]));
    const made = await frame(wave(bins, await mask(magnitudes)));
    for (let t = 0; t < FRAME; t++) out[start + t] += made[t];
  }
  return out;
}

/** Scale-invariant signal to noise ratio in dB (Le Roux et al. 2019, "SDR – half-baked or well done?"). */
function siSnr(estimate, clean) {
  const scale = clean.reduce((sum, x, t) => sum + x * estimate[t], 0) / (power(clean) * clean.length);
  const target = clean.map((x) => scale * x);
  return 10 * Math.log10(power(target) / power(target.map((x, t) => x - estimate[t])));
}

const mean = (values) => values.reduce((a, b) => a + b, 0) / values.length;

/** @param files the two networks, joined by a comma */
export async function denoise(files) {
  const sessions = await Promise.all(files.split(',').map((file) => openSession(file)));
  const [before, after] = [[], []];
  for (let seed = 1; seed <= CLIPS; seed++) {
    const { clean, noisy } = mixture(seed);
    before.push(siSnr(noisy, clean));
    after.push(siSnr(await denoised(noisy, sessions), clean));
  }
  for (const session of sessions) await session.release();
  return `SI-SNR ${mean(before).toFixed(2)} → ${mean(after).toFixed(2)} dB`;
}
