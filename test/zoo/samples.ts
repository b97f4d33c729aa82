import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import sharp from 'sharp';
import type { Dtype } from '../../src/ir/dtypes.js';
import type { Feeds, TensorValue, TypedArray } from '../../src/runtime/types.js';

/** Where the shared models and data are; the tests of this folder skip without it. */
export const ZOO = process.env.QUANTIZE_ZOO ?? '';
const data = (...parts: string[]) => join(ZOO, 'data', ...parts);

/** A set of samples: `count` feeds, one sample each, always the same, and class numbers where they are known. */
export interface ZooSamples {
  count: number;
  feeds(): AsyncGenerator<Feeds>;
  labels?: number[];
}

export const tensor = (dtype: Dtype, dims: number[], values: TypedArray): TensorValue => ({
  dtype,
  dims,
  data: values,
});
const float = (dims: number[], values: Float32Array) => tensor('float32', dims, values);

/** Samples made one at a time by position. */
const byIndex = (
  indices: readonly number[],
  make: (index: number) => Feeds | Promise<Feeds>,
  labels?: ArrayLike<number>,
): ZooSamples => ({
  count: indices.length,
  async *feeds() {
    for (const index of indices) yield await make(index);
  },
  ...(labels ? { labels: indices.map((i) => labels[i]) } : {}),
});
export const span = (from: number, to: number): number[] =>
  Array.from({ length: to - from }, (_, i) => from + i);

/** The first `count` samples. */
export function first(samples: ZooSamples, count: number): ZooSamples {
  const few = Math.min(count, samples.count);
  return {
    count: few,
    async *feeds() {
      let i = 0;
      for await (const feeds of samples.feeds()) {
        if (i++ === few) return;
        yield feeds;
      }
    },
    ...(samples.labels ? { labels: samples.labels.slice(0, few) } : {}),
  };
}

/** How 0..255 pixels become the network's numbers: (x · scale − mean) / std per channel, in `order` and `layout`. */
export interface Pixels {
  scale?: number;
  mean?: readonly number[];
  std?: readonly number[];
  order?: 'rgb' | 'bgr';
  layout?: 'nchw' | 'nhwc';
}

/** RGB bytes in rows → the network's numbers. */
function normalise(rgb: Uint8Array, channels: number, how: Pixels): Float32Array {
  const area = rgb.length / channels;
  const out = new Float32Array(rgb.length);
  for (let c = 0; c < channels; c++) {
    const from = how.order === 'bgr' ? channels - 1 - c : c;
    const [mean, std] = [how.mean?.[c] ?? 0, how.std?.[c] ?? 1];
    for (let i = 0; i < area; i++)
      out[how.layout === 'nhwc' ? i * channels + c : c * area + i] =
        (rgb[i * channels + from] * (how.scale ?? 1) - mean) / std;
  }
  return out;
}

const dimsOf = (channels: number, height: number, width: number, how: Pixels) =>
  how.layout === 'nhwc' ? [1, height, width, channels] : [1, channels, height, width];

export type Fit = { crop: number } | { exact: [width: number, height: number] } | { letterbox: number };

/** An image file as RGB bytes of the wanted size. */
async function decode(file: string, fit: Fit): Promise<{ rgb: Uint8Array; width: number; height: number }> {
  let image = sharp(file).removeAlpha().toColourspace('srgb');
  if ('crop' in fit) {
    // Short side to 256 (the files have it already), then the middle: torchvision's evaluation transform.
    const { width, height } = await image.metadata();
    image = image.extract({
      left: Math.round((width - fit.crop) / 2),
      top: Math.round((height - fit.crop) / 2),
      width: fit.crop,
      height: fit.crop,
    });
  } else if ('exact' in fit) image = image.resize(fit.exact[0], fit.exact[1], { fit: 'fill' });
  else
    image = image.resize(fit.letterbox, fit.letterbox, {
      fit: 'contain',
      position: 'left top',
      background: { r: 114, g: 114, b: 114 },
    });
  const { data: rgb, info } = await image.raw().toBuffer({ resolveWithObject: true });
  if (info.channels === 3) return { rgb, width: info.width, height: info.height };
  return {
    rgb: Uint8Array.from({ length: rgb.length * 3 }, (_, i) => rgb[Math.floor(i / 3)]),
    width: info.width,
    height: info.height,
  };
}

/** Samples from image files. */
export function images(files: string[], input: string, fit: Fit, how: Pixels, labels?: number[]): ZooSamples {
  return byIndex(
    span(0, files.length),
    async (i) => {
      const { rgb, width, height } = await decode(files[i], fit);
      return { [input]: float(dimsOf(3, height, width, how), normalise(rgb, 3, how)) };
    },
    labels,
  );
}

const imagesIn = (...folder: string[]): string[] =>
  readdirSync(data(...folder))
    .filter((name) => name.endsWith('.jpg'))
    .sort()
    .map((name) => data(...folder, name));

/** `limit` images of data/imagenet, evenly spread, and the class numbers of the evaluation ones. */
export function imagenet(
  set: 'calibration' | 'evaluation',
  limit: number,
): { files: string[]; labels: number[] } {
  const all = imagesIn('imagenet', set);
  const files = span(0, Math.min(limit, all.length)).map(
    (i) => all[Math.floor((i * all.length) / Math.min(limit, all.length))],
  );
  if (set === 'calibration') return { files, labels: [] };
  const rows = readFileSync(data('imagenet/labels.tsv'), 'utf8').trim().split('\n').slice(1);
  const classOf = new Map(rows.map((row) => [row.split('\t')[0], Number(row.split('\t')[1])]));
  return { files, labels: files.map((file) => classOf.get(file.slice(file.lastIndexOf('/') + 1))!) };
}
export const coco = (): string[] => imagesIn('coco8', 'images');

/** CIFAR-10: the 100 lossless images calibrate; the 2,000 others evaluate. */
export function cifar(set: 'calibration' | 'evaluation', input: string, how: Pixels): ZooSamples {
  const stem = set === 'calibration' ? 'cifar10_eran100/test100' : 'cifar10_jpegdecoded/test2000';
  const pixels = readFileSync(data(`${stem}_u8_nhwc.bin`));
  const labels = readFileSync(data(`${stem}_labels_u8.bin`));
  const one = (i: number) => normalise(pixels.subarray(i * 3072, (i + 1) * 3072), 3, how);
  return byIndex(span(0, labels.length), (i) => ({ [input]: float(dimsOf(3, 32, 32, how), one(i)) }), labels);
}

/** MNIST test set (its second half is the easier one, so both sets spread over it): 128 calibrate, 2,000 evaluate. */
export function mnist(
  set: 'calibration' | 'evaluation',
  input: string,
  dims: number[],
  scale: number,
): ZooSamples {
  const pixels = gunzipSync(readFileSync(data('mnist/t10k-images-idx3-ubyte.gz'))).subarray(16);
  const labels = gunzipSync(readFileSync(data('mnist/t10k-labels-idx1-ubyte.gz'))).subarray(8);
  const one = (i: number) => normalise(pixels.subarray(i * 784, (i + 1) * 784), 1, { scale });
  const indices =
    set === 'calibration' ? span(0, 128).map((i) => 75 * i + 1) : span(0, 2000).map((i) => 5 * i);
  return byIndex(indices, (i) => ({ [input]: float(dims, one(i)) }), labels);
}

/** Mel spectrograms of spoken words: every fourth clip calibrates, the others evaluate. */
export function speechCommands(set: 'calibration' | 'evaluation'): ZooSamples {
  const mel = npyBody(data('speech_commands_mel20/x_f32_200x3x128x41.npy'));
  const words = new BigInt64Array(npyBody(data('speech_commands_mel20/y_i64.npy')));
  const size = 3 * 128 * 41;
  const indices = span(0, 200).filter((i) => (i % 4 === 0) === (set === 'calibration'));
  const make = (i: number) => ({ input: float([1, 3, 128, 41], new Float32Array(mel, i * size * 4, size)) });
  return byIndex(indices, make, Array.from(words, Number));
}

/** The bytes after a NumPy 1.0 header, aligned. */
function npyBody(file: string): ArrayBuffer {
  const bytes = readFileSync(file);
  return Uint8Array.from(bytes.subarray(10 + bytes.readUInt16LE(8))).buffer;
}

/** Windows of 400 bytes of text. */
export function textWindows(set: 'calibration' | 'evaluation'): ZooSamples {
  const bytes = readFileSync(data('nnsplit_wikitext2_x_u8_600x400.bin'));
  const indices = set === 'calibration' ? span(0, 32) : span(100, 164);
  const one = (i: number) => Uint8Array.from(bytes.subarray(i * 400, (i + 1) * 400));
  return byIndex(indices, (i) => ({ input: tensor('uint8', [1, 400], one(i)) }));
}

/** Sequences of 128 tokens. */
export function stories(set: 'calibration' | 'evaluation'): ZooSamples {
  const tokens = new BigInt64Array(
    Uint8Array.from(readFileSync(data('stories260K/self_samples_96x128_i64.bin'))).buffer,
  );
  const indices = set === 'calibration' ? span(0, 16) : span(48, 80);
  return byIndex(indices, (i) => ({
    input_ids: tensor('int64', [1, 128], tokens.slice(i * 128, (i + 1) * 128)),
  }));
}

/**
 * Magika's features: the first `begin` bytes of the file without leading white space, the last `end` without trailing
 * white space (looked for in the first and last `block` bytes), padded with 256 at the end and at the start.
 */
export function magikaFeatures(
  bytes: Uint8Array,
  { begin = 1024, end = 1024, block = 4096 } = {},
): Int32Array {
  const text = (part: Uint8Array) => Buffer.from(part).toString('latin1');
  const head = text(bytes.subarray(0, block))
    .replace(/^[ \t\n\r\v\f]+/, '')
    .slice(0, begin);
  const tail = text(bytes.subarray(Math.max(0, bytes.length - block)))
    .replace(/[ \t\n\r\v\f]+$/, '')
    .slice(-end);
  const features = new Int32Array(begin + end).fill(256);
  for (let i = 0; i < head.length; i++) features[i] = head.charCodeAt(i);
  for (let i = 0; i < tail.length; i++) features[begin + end - tail.length + i] = tail.charCodeAt(i);
  return features;
}

/** Files labelled by their folder: every third calibrates, the others evaluate. */
export function magika(set: 'calibration' | 'evaluation'): ZooSamples {
  const root = data('magika/tests_data');
  const types: string[] = JSON.parse(
    readFileSync(data('magika/standard_v3_3.config.min.json'), 'utf8'),
  ).target_labels_space;
  const files = ['basic', 'mitra']
    .flatMap((part) =>
      readdirSync(join(root, part), { recursive: true }).map((name) => join(root, part, String(name))),
    )
    .filter((file) => types.includes(folderOf(file)))
    .sort();
  const indices = span(0, files.length).filter((i) => (i % 3 === 0) === (set === 'calibration'));
  return byIndex(
    indices,
    (i) => ({ bytes: tensor('int32', [1, 2048], magikaFeatures(readFileSync(files[i]))) }),
    files.map((file) => types.indexOf(folderOf(file))),
  );
}

const folderOf = (file: string): string => file.split('/').at(-2) ?? '';
