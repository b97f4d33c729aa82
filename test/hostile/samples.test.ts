import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { deflateRawSync } from 'node:zlib';
import { describe, it } from 'vitest';
import { elementCount } from '../../src/ir/tensor.js';
import { encodeModel } from '../../src/onnx/index.js';
import { npy, npz } from '../data/files.js';
import { random, value } from '../prepare/helpers.js';
import { type Attack, attack, network, rows, type Scene, scene } from './harness.js';

/** Arguments for samples under another name. */
const from = (path: string): string[] => ['-c', path, '-o', 'out.onnx'];
const place = (name: string, bytes: Uint8Array | string) => (): Scene => {
  const made = scene();
  made.put(name, bytes);
  return made;
};
const with1 = (samples: Uint8Array) => () => scene(network(), samples);
const floats = (...dims: number[]) => new Float32Array(elementCount(dims));

/** A zip with one deflated member; sizes and name as its maker likes them. */
function zip(name: string, plain: Uint8Array, declared = plain.length): Uint8Array {
  const data = deflateRawSync(plain);
  const head = (signature: number, central: boolean) => {
    const h = Buffer.alloc(central ? 46 : 30);
    const at = central ? 2 : 0;
    h.writeUInt32LE(signature, 0);
    if (central) h.writeUInt16LE(20, 4);
    h.writeUInt16LE(20, 4 + at);
    h.writeUInt16LE(8, 8 + at);
    h.writeUInt32LE(data.length, 18 + at);
    h.writeUInt32LE(declared, 22 + at);
    h.writeUInt16LE(name.length, 26 + at);
    return Buffer.concat([h, Buffer.from(name)]);
  };
  const local = Buffer.concat([head(0x04034b50, false), data]);
  const central = head(0x02014b50, true);
  const end = Buffer.alloc(22);
  end.writeUInt32LE(0x06054b50, 0);
  end.writeUInt16LE(1, 8);
  end.writeUInt16LE(1, 10);
  end.writeUInt32LE(central.length, 12);
  end.writeUInt32LE(local.length, 16);
  return Buffer.concat([local, central, end]);
}

/** 400 MB of zeros in 400 kB, behind a header that promises two samples. */
const bomb = () => zip('x.npy', Buffer.concat([npy([2, 4, 6, 6], floats(2, 4, 6, 6)), Buffer.alloc(4e8)]));

const ATTACKS: Attack[] = [
  {
    name: 'a folder that is empty',
    make: () => {
      const s = scene();
      mkdirSync(join(s.root, 'empty'));
      return s;
    },
    args: from('empty'),
    exit: 3,
    code: /SAMPLE/,
    says: /empty/,
  },
  {
    name: 'a folder of other things',
    make: place('other/readme.txt', 'hello'),
    args: from('other'),
    exit: 3,
    code: /SAMPLE/,
  },
  {
    name: 'a path that does not exist',
    make: () => scene(),
    args: from('gone'),
    exit: 3,
    code: /SAMPLE|FILE/,
    says: /gone/,
  },
  {
    name: 'an array of no samples',
    make: with1(npy([0, 4, 6, 6], floats(0))),
    exit: 3,
    code: /SAMPLE|CALIBRATION/,
  },
  {
    name: 'NaN in one sample',
    make: with1(npy([2, 4, 6, 6], floats(2, 4, 6, 6).fill(Number.NaN, 200, 201))),
    exit: 3,
    code: /^CALIBRATION_NOT_FINITE$/,
    says: /tensor x.*samples\.npy\[1\]|samples\.npy\[1\]/,
  },
  { name: 'the wrong rank', make: with1(npy([3, 5], floats(3, 5))), exit: 3, code: /SAMPLE/, says: /\bx\b/ },
  { name: 'the wrong channels', make: with1(npy([3, 5, 6, 6], floats(3, 5, 6, 6))), exit: 3, code: /SAMPLE/ },
  {
    name: 'mixed shapes in one folder',
    make: () => {
      const s = place('mixed/a.npy', rows(2))();
      s.put('mixed/b.npy', rows(2, [4, 5, 7]));
      s.put('mixed/c.npy', rows(2, [3, 6, 6]));
      return s;
    },
    args: from('mixed'),
    exit: 3,
    code: /SAMPLE/,
  },
  {
    name: 'an array of objects',
    make: with1(npy([3], floats(3), { descr: '|O' })),
    exit: 4,
    code: /NPY|SAMPLE/,
  },
  {
    name: 'a header that promises 10⁹ samples',
    make: with1(npy([1e9, 4, 6, 6], floats(10))),
    exit: 3,
    code: /NPY|SAMPLE/,
  },
  {
    name: 'a header whose size overflows',
    make: with1(npy([2 ** 40, 2 ** 40], floats(10))),
    exit: 3,
    code: /NPY|SAMPLE/,
  },
  {
    name: 'a header with a negative size',
    make: with1(npy([-3, 4, 6, 6], floats(10))),
    exit: 3,
    code: /NPY|SAMPLE/,
  },
  {
    name: 'a header longer than the file',
    make: with1(Buffer.concat([npy([3], floats(3)).subarray(0, 8), Buffer.from([0xff, 0xff])])),
    exit: 3,
    code: /NPY|SAMPLE/,
  },
  {
    name: 'a header that is code',
    make: with1(Buffer.from(String.raw`\x93NUMPY__import__('os').system('touch pwned')`)),
    exit: 3,
    code: /NPY|SAMPLE/,
  },
  {
    name: 'a cut .npz',
    make: place('s.npz', npz({ x: rows(3) }).slice(0, 900)),
    args: from('s.npz'),
    exit: 3,
    code: /ZIP|NPZ|SAMPLE/,
  },
  {
    name: 'an .npz that unpacks to a thousand times its size',
    make: place('s.npz', bomb()),
    args: from('s.npz'),
    exit: 3,
    code: /ZIP|NPZ|NPY|SAMPLE/,
  },
  {
    name: 'an .npz that lies about its sizes',
    make: place('s.npz', zip('x.npy', rows(3), 64)),
    args: from('s.npz'),
    exit: 3,
    code: /ZIP|NPZ|NPY|SAMPLE/,
  },
  {
    name: 'an .npz with names that lead outside',
    make: place('s.npz', zip('../../x.npy', rows(3))),
    args: from('s.npz'),
    exit: 3,
    code: /ZIP|NPZ|NPY|SAMPLE/,
  },
  {
    name: 'raw binary that is half a sample',
    make: place('s.bin', new Uint8Array(100)),
    args: [...from('s.bin'), '--dtype', 'float32', '--shape', '1x4x6x6'],
    exit: 3,
    code: /RAW|SAMPLE/,
  },
  {
    name: 'an image that is none',
    make: place('img/a.png', 'not a png'),
    args: from('img'),
    exit: 3,
    code: /IMAGE|SAMPLE/,
    says: /a\.png/,
  },
];

const EVALUATION = ['-c', 'samples.npy', '-e', 'samples.npy', '-l', 'labels.txt', '-o', 'out.onnx'];
const labelled = (labels: string) => () => {
  // One row of logits a sample, so that labels have a meaning.
  const net = network();
  net.graph.nodes.push({
    opType: 'GlobalAveragePool',
    inputs: ['y'],
    outputs: ['p'],
    attributes: [],
    name: 'pool',
  });
  net.graph.nodes.push({ opType: 'Flatten', inputs: ['p'], outputs: ['f'], attributes: [], name: 'flat' });
  net.graph.outputs = [value('f', ['n', 3])];
  net.graph.initializers[2] = random('w2', [3, 4, 3, 3]);
  const made = scene(encodeModel(net));
  made.put('labels.txt', labels);
  return made;
};
const LABELS: Attack[] = [
  { name: 'fewer than samples', make: labelled('0\n1\n'), args: EVALUATION, exit: 3, code: /LABEL/ },
  {
    name: 'classes that the model does not have',
    make: labelled('0\n1\n7\n'),
    args: EVALUATION,
    exit: 3,
    code: /LABEL/,
    says: /7/,
  },
  { name: 'words', make: labelled('cat\ndog\nbird\n'), args: EVALUATION, exit: 3, code: /LABEL/ },
  { name: 'negative', make: labelled('0\n-1\n1\n'), args: EVALUATION, exit: 3, code: /LABEL/ },
  { name: 'no file', make: () => scene(), args: EVALUATION, exit: 3, code: /LABEL/ },
  {
    name: 'without samples',
    make: labelled('0\n1\n1\n'),
    args: ['-c', 'samples.npy', '-l', 'labels.txt', '-o', 'out.onnx'],
    exit: 2,
    code: /^LABELS_WITHOUT_SAMPLES$/,
  },
];

describe('samples', () => {
  it.concurrent.each(ATTACKS)('$name', attack);
});
describe('labels', () => {
  it.concurrent.each(LABELS)('$name', attack);
});
