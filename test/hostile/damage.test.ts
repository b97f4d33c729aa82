import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { encodeModel, loadModel } from '../../src/onnx/index.js';
import { seeded } from '../prepare/helpers.js';
import { type Attack, attack, expectCivil, network, run, scene, USUAL } from './harness.js';

const VICTIM = encodeModel(network());

const FILES: Attack[] = [
  { name: 'an empty file', make: () => scene(new Uint8Array(0)), exit: 3, code: /^MODEL_NOT_ONNX$/ },
  { name: 'text', make: () => scene(Buffer.from('hello, world\n')), exit: 3, code: /^MODEL_/ },
  {
    name: 'half of a model',
    make: () => scene(VICTIM.subarray(0, VICTIM.length >> 1)),
    exit: 3,
    code: /^MODEL_TRUNCATED$/,
    says: /byte/,
  },
  {
    name: 'a length beyond the end',
    make: () => scene(Buffer.concat([VICTIM, Buffer.from([0x3a, 0xff, 0xff, 0xff, 0x7f])])),
    exit: 3,
    code: /^MODEL_/,
  },
];

describe('files that are no models', () => {
  it.concurrent.each(FILES)('$name', attack);
});

/** 48 cases through the whole command; the same in every run. */
const DAMAGE: [string, (random: () => number) => Uint8Array][] = [
  ['cut', (r) => VICTIM.subarray(0, Math.floor(r() * VICTIM.length))],
  ['bit flipped', (r) => flipped(r, 1)],
  ['eight bits flipped', (r) => flipped(r, 8)],
  ['bits of the structure flipped', (r) => flipped(r, 2, true)],
  [
    'a piece removed',
    (r) => {
      const at = Math.floor(r() * VICTIM.length);
      return Buffer.concat([VICTIM.subarray(0, at), VICTIM.subarray(at + 1 + Math.floor(r() * 8))]);
    },
  ],
  ['noise', (r) => Uint8Array.from({ length: 300 }, () => r() * 256)],
];
/** Bytes of weights, which are most of the file; flips there only make other weights. */
const weights = (() => {
  const first = Buffer.from(VICTIM).indexOf('w1');
  return [first + 8, Buffer.from(VICTIM).lastIndexOf('w2')];
})();
function flipped(r: () => number, bits: number, structure = false): Uint8Array {
  const bytes = VICTIM.slice();
  for (let i = 0; i < bits; ) {
    const at = Math.floor(r() * bytes.length);
    if (structure && at > weights[0] && at < weights[1]) continue;
    bytes[at] ^= 1 << Math.floor(r() * 8);
    i++;
  }
  return bytes;
}

describe('damage: a clear error or a model that runs', () => {
  const cases = DAMAGE.flatMap(([name, make]) =>
    Array.from({ length: 8 }, (_, seed) => ({ name, make, seed })),
  );
  it.concurrent.each(cases)('$name, seed $seed', async ({ make, seed }) => {
    const next = seeded(1000 + seed);
    const place = scene(make(() => (next() + 1) / 2));
    const before = place.files();
    const outcome = await run(place, ['net.onnx', ...USUAL]);
    expectCivil(outcome);
    if (outcome.code === 0) {
      expect(place.files()).toEqual([...before, 'out.onnx'].sort());
      loadModel(join(place.root, 'out.onnx'));
    } else {
      expect([3, 4], outcome.stderr).toContain(outcome.code);
      expect(outcome.stderr.match(/^error /gm)).toHaveLength(1);
      expect(place.files()).toEqual(before);
    }
  });
});
