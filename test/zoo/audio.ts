import { join } from 'node:path';
import { xorshift32 } from '../../kernels/random.js';
import { elementCount } from '../../src/ir/tensor.js';
import { openSession } from '../../src/runtime/session.js';
import type { Feeds } from '../../src/runtime/types.js';
import { span, tensor, ZOO, type ZooSamples } from './samples.js';

type Set = 'calibration' | 'evaluation';

/** Uniform numbers in [0, 1), always the same for a seed. */
export const uniform = (seed: number): (() => number) => xorshift32(Math.imul(seed, 0x9e3779b1) | 1);

/** 43,844 samples at 22,050 Hz with four plucked notes of seven harmonics each. */
function notes(seed: number): Float32Array {
  const [rate, length] = [22_050, 43_844];
  const random = uniform(seed);
  const wave = new Float32Array(length);
  for (let n = 0; n < 4; n++) {
    const pitch = 440 * 2 ** ((Math.floor(40 + random() * 40) - 69) / 12);
    const start = Math.floor(random() * length * 0.75);
    for (let t = start; t < length; t++) {
      const seconds = (t - start) / rate;
      for (let h = 1; h <= 7 && h * pitch < rate / 2; h++)
        wave[t] += (0.2 / h) * Math.exp(-2 * h * seconds) * Math.sin(2 * Math.PI * h * pitch * seconds);
    }
  }
  return wave;
}

export const music = (set: Set): ZooSamples => {
  const seeds = set === 'calibration' ? span(1, 17) : span(101, 117);
  return {
    count: seeds.length,
    async *feeds() {
      for (const seed of seeds)
        yield { 'serving_default_input_2:0': tensor('float32', [1, 43_844, 1], notes(seed)) };
    },
  };
};

/**
 * `seconds` of something like speech in noise at 16 kHz: voiced syllables of a gliding pitch whose harmonics follow
 * three moving formants, pauses between them, and white noise 20 dB below.
 */
export function voice(seed: number, seconds: number): Float32Array {
  const rate = 16_000;
  const random = uniform(seed);
  const wave = new Float32Array(Math.floor(seconds * rate));
  for (let start = 0; start < wave.length; ) {
    const length = Math.floor((0.12 + 0.25 * random()) * rate);
    const [pitch, glide] = [90 + 140 * random(), (random() - 0.5) * 60];
    const formants = [300 + 500 * random(), 900 + 1400 * random(), 2300 + 900 * random()];
    syllable(wave, start, length, pitch, glide, formants);
    start += length + Math.floor(0.15 * random() * rate);
  }
  for (let t = 0; t < wave.length; t++) wave[t] += 0.02 * (random() + random() + random() - 1.5);
  return wave;
}

function syllable(
  wave: Float32Array,
  start: number,
  length: number,
  pitch: number,
  glide: number,
  formants: number[],
) {
  let phase = 0;
  for (let t = 0; t < length && start + t < wave.length; t++) {
    const f0 = pitch + (glide * t) / length;
    phase += (2 * Math.PI * f0) / 16_000;
    const envelope = Math.sin((Math.PI * t) / length);
    let value = 0;
    for (let h = 1; h * f0 < 4000; h++) {
      const gain = formants.reduce((sum, f, i) => sum + 1 / ((i + 1) * (1 + ((h * f0 - f) / 90) ** 2)), 0.01);
      value += gain * Math.sin(h * phase);
    }
    wave[start + t] += 0.12 * envelope * value;
  }
}

/** How a recurrent network is fed: what goes in with the state of the last step, and which output is the next state. */
interface Recurrent {
  file: string;
  state: { input: string; output: string; dims: number[] };
  /** Every so many frames one becomes a sample; the others only move the state on. */
  every: number;
  frames(set: Set): AsyncGenerator<Feeds>;
}

/** Feeds of a recurrent network, its state rolled on by the FP32 network itself. */
async function* rolled(net: Recurrent, set: Set): AsyncGenerator<Feeds> {
  const session = await openSession(join(ZOO, 'models', net.file), { threads: 1 });
  try {
    let state = tensor('float32', net.state.dims, new Float32Array(elementCount(net.state.dims)));
    let i = 0;
    for await (const frame of net.frames(set)) {
      const feeds = { ...frame, [net.state.input]: state };
      if (i++ % net.every === 0) yield feeds;
      state = { ...(await session.run(feeds))[net.state.output] };
    }
  } finally {
    await session.release();
  }
}

const SECONDS = 4.2;
const seedOf = (set: Set) => (set === 'calibration' ? 7 : 8);

/** Windows of `size` samples, `hop` apart. */
function* windows(wave: Float32Array, size: number, hop: number): Generator<Float32Array> {
  for (let start = 0; start + size <= wave.length; start += hop) yield wave.slice(start, start + size);
}

const silero = (file: string): Recurrent => ({
  file,
  state: { input: 'state', output: 'stateN', dims: [2, 1, 128] },
  every: 2,
  async *frames(set) {
    // 64 samples of context before each window of 512.
    for (const window of windows(voice(seedOf(set), SECONDS), 576, 512))
      yield {
        input: tensor('float32', [1, 576], window),
        sr: tensor('int64', [], BigInt64Array.of(16_000n)),
      };
  },
});

const dtln1: Recurrent = {
  file: 'audio/dtln_model_1.onnx',
  state: { input: 'input_3', output: 'tf_op_layer_stack_2', dims: [1, 2, 128, 2] },
  every: 8,
  async *frames(set) {
    for (const window of windows(voice(seedOf(set), SECONDS), 512, 128))
      yield { input_2: tensor('float32', [1, 1, 257], spectrum(window).magnitude) };
  },
};

const dtln2: Recurrent = {
  file: 'audio/dtln_model_2.onnx',
  state: { input: 'input_5', output: 'tf_op_layer_stack_5', dims: [1, 2, 128, 2] },
  every: 8,
  async *frames(set) {
    // The second network sees the frame after the first one's mask.
    const first = await openSession(join(ZOO, 'models', dtln1.file), { threads: 1 });
    try {
      let state = tensor('float32', dtln1.state.dims, new Float32Array(512));
      for (const window of windows(voice(seedOf(set), SECONDS), 512, 128)) {
        const bins = spectrum(window);
        const out = await first.run({
          input_2: tensor('float32', [1, 1, 257], bins.magnitude),
          input_3: state,
        });
        state = out[dtln1.state.output];
        yield {
          input_4: tensor('float32', [1, 1, 512], masked(bins, out.activation_2.data as Float32Array)),
        };
      }
    } finally {
      await first.release();
    }
  },
};

interface Spectrum {
  re: Float64Array;
  im: Float64Array;
  magnitude: Float32Array;
}
const COS = Float64Array.from({ length: 512 }, (_, i) => Math.cos((2 * Math.PI * i) / 512));
const SIN = Float64Array.from({ length: 512 }, (_, i) => Math.sin((2 * Math.PI * i) / 512));

/** The 257 bins of a real frame of 512, by the definition of the transform; a few hundred frames need no FFT. */
function spectrum(frame: Float32Array): Spectrum {
  const [re, im] = [new Float64Array(257), new Float64Array(257)];
  for (let k = 0; k < 257; k++)
    for (let t = 0; t < 512; t++) {
      re[k] += frame[t] * COS[(k * t) & 511];
      im[k] -= frame[t] * SIN[(k * t) & 511];
    }
  return { re, im, magnitude: Float32Array.from(re, (r, k) => Math.hypot(r, im[k])) };
}

/** Back to 512 samples, each bin times its mask. */
function masked({ re, im }: Spectrum, mask: Float32Array): Float32Array {
  return Float32Array.from({ length: 512 }, (_, t) => {
    let value = 0;
    for (let k = 0; k < 257; k++) {
      const twice = k === 0 || k === 256 ? 1 : 2;
      value += twice * mask[k] * (re[k] * COS[(k * t) & 511] - im[k] * SIN[(k * t) & 511]);
    }
    return value / 512;
  });
}

const NETS = {
  silero: silero('audio/silero_vad_v5.onnx'),
  sileroIfless: silero('audio/silero_vad_v5_op18_ifless.onnx'),
  dtln1,
  dtln2,
} as const;

/** Samples of a recurrent audio network: frames of made-up speech with the states that the network had there. */
export const recurrent = (net: keyof typeof NETS, set: Set): ZooSamples => ({
  count: 66,
  feeds: () => rolled(NETS[net], set),
});
