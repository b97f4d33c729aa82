// What quantization costs on a task's own metric, where shared data has the truth: objects that a detector finds in eight
// COCO pictures, notes that a transcriber finds in made-up music, and noise that a denoiser takes out of made-up speech.
// `QUANTIZE_ZOO=... node bench/tasks.js yolox_nano|basic_pitch float.onnx quantized.onnx` after a build, or
// `… dtln first.onnx,second.onnx first.quantized.onnx,second.quantized.onnx`.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import sharp from 'sharp';
import { openSession } from '../dist/src/runtime/index.js';
import { denoise } from './denoise.js';

const data = (...parts) => join(process.env.QUANTIZE_ZOO, 'data', ...parts);
const SIZE = 416;

/** Top left in a grey square, BGR planes of 0…255. */
async function letterbox(file) {
  const background = { r: 114, g: 114, b: 114 };
  const { width, height } = await sharp(file).metadata();
  const { data: rgb } = await sharp(file)
    .removeAlpha()
    .toColourspace('srgb')
    .resize(SIZE, SIZE, { fit: 'contain', position: 'left top', background })
    .raw()
    .toBuffer({ resolveWithObject: true });
  const area = SIZE * SIZE;
  const planes = Float32Array.from(
    { length: 3 * area },
    (_, i) => rgb[(i % area) * 3 + 2 - Math.floor(i / area)],
  );
  return { planes, width, height, ratio: SIZE / Math.max(width, height) };
}

/** Cells of strides 8, 16 and 32, in the order of the output's rows. */
const CELLS = [8, 16, 32].flatMap((stride) => {
  const n = SIZE / stride;
  return Array.from({ length: n * n }, (_, i) => ({ x: i % n, y: Math.floor(i / n), stride }));
});

/** Boxes [left, top, right, bottom] in pixels of the square, the surest first, overlapping ones of a class left out. */
function detections(out, least = 0.35, overlap = 0.45) {
  const found = CELLS.flatMap(({ x, y, stride }, i) => {
    const row = out.subarray(85 * i, 85 * i + 85);
    const scores = row.subarray(5);
    const kind = scores.indexOf(Math.max(...scores));
    const score = row[4] * scores[kind];
    const [cx, cy] = [(row[0] + x) * stride, (row[1] + y) * stride];
    const [w, h] = [Math.exp(row[2]) * stride, Math.exp(row[3]) * stride];
    return score > least ? [{ kind, score, box: [cx - w / 2, cy - h / 2, cx + w / 2, cy + h / 2] }] : [];
  }).sort((a, b) => b.score - a.score);
  const kept = [];
  for (const one of found)
    if (!kept.some((other) => other.kind === one.kind && iou(other.box, one.box) > overlap)) kept.push(one);
  return kept;
}

function iou(a, b) {
  const side = (i) => Math.max(0, Math.min(a[i + 2], b[i + 2]) - Math.max(a[i], b[i]));
  const area = (r) => (r[2] - r[0]) * (r[3] - r[1]);
  const shared = side(0) * side(1);
  return shared / (area(a) + area(b) - shared);
}

/** Objects of coco8 found at IoU 0.5, and boxes that are none. */
async function yolox(session) {
  let [objects, found, wrong] = [0, 0, 0];
  for (const name of readdirSync(data('coco8/images')).sort()) {
    const { planes, width, height, ratio } = await letterbox(data('coco8/images', name));
    const feeds = { images: { dtype: 'float32', dims: [1, 3, SIZE, SIZE], data: planes } };
    const boxes = detections((await session.run(feeds)).output.data);
    const lines = readFileSync(data('coco8/labels', name.replace('.jpg', '.txt')), 'utf8')
      .trim()
      .split('\n');
    const truth = lines.map((line) => {
      const [kind, cx, cy, w, h] = line.split(' ').map(Number);
      const scaled = [cx - w / 2, cy - h / 2, cx + w / 2, cy + h / 2];
      return { kind, box: scaled.map((v, i) => v * ratio * (i % 2 ? height : width)) };
    });
    const matched = new Set();
    for (const { kind, box } of boxes) {
      const hit = truth.findIndex((t, i) => !matched.has(i) && t.kind === kind && iou(t.box, box) >= 0.5);
      if (hit < 0) wrong++;
      else matched.add(hit);
    }
    objects += truth.length;
    found += matched.size;
  }
  return `${found} of ${objects} objects, ${wrong} boxes that are none`;
}

const RATE = 22_050;
const LENGTH = 43_844;

/** One plucked note of seven harmonics for each pitch, half a second apart. */
function melody(pitches) {
  const wave = new Float32Array(LENGTH);
  pitches.forEach((pitch, n) => {
    const frequency = 440 * 2 ** ((pitch - 69) / 12);
    for (let t = Math.floor((0.1 + 0.6 * n) * RATE); t < LENGTH; t++) {
      const seconds = t / RATE - 0.1 - 0.6 * n;
      for (let h = 1; h <= 7 && h * frequency < RATE / 2; h++)
        wave[t] += (0.2 / h) * Math.exp(-4 * h * seconds) * Math.sin(2 * Math.PI * h * frequency * seconds);
    }
  });
  return wave;
}

/** Notes whose pitch is the loudest of those that start when they are plucked; 88 keys from 21 on, 172 frames. */
async function basicPitch(session) {
  const melodies = Array.from({ length: 5 }, (_, m) => [0, 1, 2].map((n) => 40 + ((m * 17 + n * 29) % 44)));
  let right = 0;
  for (const pitches of melodies) {
    const feeds = {
      [session.inputs[0].name]: { dtype: 'float32', dims: [1, LENGTH, 1], data: melody(pitches) },
    };
    const { data: onsets } = (await session.run(feeds))['StatefulPartitionedCall:2'];
    pitches.forEach((pitch, n) => {
      const frame = Math.round(((0.1 + 0.6 * n) * 172 * RATE) / LENGTH);
      const peaks = Array.from({ length: 88 }, (_, key) =>
        Math.max(...[-2, -1, 0, 1, 2, 3].map((d) => onsets[88 * (frame + d) + key])),
      );
      if (peaks.indexOf(Math.max(...peaks)) === pitch - 21) right++;
    });
  }
  return `${right} of ${3 * melodies.length} notes`;
}

/** A task on one session of the file. */
const opened = (task) => async (file) => {
  const session = await openSession(file);
  try {
    return await task(session);
  } finally {
    await session.release();
  }
};

const TASKS = { yolox_nano: opened(yolox), basic_pitch: opened(basicPitch), dtln: denoise };
const [, , task, ...files] = process.argv;
for (const file of files) console.log(`${file}: ${await TASKS[task](file)}`);
