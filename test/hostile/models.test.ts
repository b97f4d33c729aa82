import { symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { makeAttribute as a, makeNode } from '../../src/ir/graph.js';
import type { Model, Node, Tensor } from '../../src/ir/model.js';
import { int64Tensor } from '../../src/ir/tensor.js';
import { encodeModel, loadModel } from '../../src/onnx/index.js';
import { random, seeded, value } from '../prepare/helpers.js';
import { type Attack, attack, expectCivil, network, run, type Scene, scene, USUAL } from './harness.js';

const VICTIM = encodeModel(network());

/** `net` with changes made to a copy. */
const changed = (edit: (net: Model) => void): Model => {
  const net = network();
  edit(net);
  return net;
};
const inFront = (nodes: Node[], constants: Tensor[] = [], first = 'd'): Model => {
  const net = network(nodes, first);
  net.graph.initializers.push(...constants);
  return net;
};
/** The first weight lies in another file. */
const external = (entries: Record<string, string>): Model =>
  changed(({ graph: g }) => {
    g.initializers[0] = {
      ...g.initializers[0],
      rawData: undefined,
      dataLocation: 1,
      externalData: Object.entries(entries).map(([key, v]) => ({ key, value: v })),
    };
  });
const outside =
  (entries: Record<string, string>, prepare: (place: Scene) => void = () => {}) =>
  () => {
    const place = scene(external(entries));
    prepare(place);
    return place;
  };
const secret = new Uint8Array(4 * 144);

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

const GRAPHS: Attack[] = [
  {
    name: 'a cycle',
    make: () =>
      scene(
        inFront([
          makeNode('Add', ['x', 'e'], ['d'], [], { name: 'p' }),
          makeNode('Neg', ['d'], ['e'], [], { name: 'q' }),
        ]),
      ),
    exit: 3,
    code: /CYCLE/,
    says: /\bp\b|\bq\b/,
  },
  {
    name: 'a node that reads itself',
    make: () => scene(inFront([makeNode('Neg', ['d'], ['d'])])),
    exit: 3,
    code: /CYCLE/,
  },
  {
    name: 'a value that nobody makes',
    make: () => scene(inFront([makeNode('Neg', ['nobody'], ['d'])])),
    exit: 3,
    code: /./,
    says: /nobody/,
  },
  {
    name: 'a value made twice',
    make: () => scene(inFront([makeNode('Neg', ['x'], ['d']), makeNode('Abs', ['x'], ['d'])])),
    exit: 3,
    code: /./,
    says: /"d"/,
  },
  {
    name: 'an operator that does not exist',
    make: () => scene(inFront([makeNode('Frobnicate', ['x'], ['d'])])),
    exit: 3,
    code: /./,
    says: /Frobnicate/,
  },
  {
    name: 'a domain that nobody has',
    make: () =>
      scene(
        changed((m) => {
          m.graph.nodes[1].domain = 'nowhere';
          m.opsetImports.push({ domain: 'nowhere', version: 1 });
        }),
      ),
    exit: 3,
    code: /./,
  },
  {
    name: 'opset 9999',
    make: () =>
      scene(
        changed((m) => {
          m.opsetImports = [{ domain: '', version: 9999 }];
        }),
      ),
    exit: 3,
    code: /^MODEL_REJECTED$/,
  },
  {
    name: 'no opset',
    make: () =>
      scene(
        changed((m) => {
          m.opsetImports = [];
        }),
      ),
    exit: 4,
    code: /OPSET/,
  },
  {
    name: 'opset 1',
    make: () =>
      scene(
        changed((m) => {
          m.opsetImports = [{ domain: '', version: 1 }];
        }),
      ),
    exit: 4,
    code: /OPSET/,
  },
  {
    name: 'a weight of the wrong rank',
    make: () =>
      scene(
        changed((m) => {
          m.graph.initializers[0] = random('w1', [144]);
        }),
      ),
    exit: 3,
    code: /./,
  },
  {
    name: 'no outputs',
    make: () =>
      scene(
        changed((m) => {
          m.graph.outputs = [];
        }),
      ),
    exit: 3,
    code: /./,
  },
];

const SIZES: Attack[] = [
  {
    name: 'a weight of 10⁹ declared elements',
    make: () =>
      scene(
        changed((m) => {
          m.graph.initializers[0].dims = [1000, 1000, 1000];
        }),
      ),
    exit: 3,
    code: /^TENSOR_SIZE$/,
    says: /w1/,
  },
  {
    name: 'a weight one element short',
    make: () =>
      scene(
        changed((m) => {
          m.graph.initializers[0].dims = [4, 4, 3, 2];
        }),
      ),
    exit: 3,
    code: /^TENSOR_SIZE$/,
  },
  {
    name: 'a weight of a negative size',
    make: () =>
      scene(
        changed((m) => {
          m.graph.initializers[0].dims = [-4, -4, 3, 3];
        }),
      ),
    exit: 3,
    code: /^TENSOR_SIZE$/,
  },
  {
    name: 'an input of 10¹² elements and no samples',
    make: () =>
      scene(
        changed((m) => {
          m.graph.inputs = [value('x', [1e4, 1e4, 1e4])];
        }),
      ),
    args: ['-o', 'out.onnx'],
    exit: 4,
    code: /./,
    says: /x/,
  },
  {
    name: 'a constant of 10¹² elements that an operator makes',
    make: () =>
      scene(
        inFront(
          [
            makeNode('ConstantOfShape', ['huge'], ['h']),
            makeNode('ReduceMax', ['h'], ['m'], [a.int('keepdims', 0)]),
            makeNode('Add', ['x', 'm'], ['d']),
          ],
          [int64Tensor('huge', [3], [1e4, 1e4, 1e4])],
        ),
      ),
    exit: 3,
    code: /./,
  },
];

const EXTERNAL: Attack[] = [
  {
    name: 'one folder up',
    make: outside({ location: '../secret.bin' }, (p) => p.put('../secret.bin', secret)),
    exit: 3,
    code: /^EXTERNAL_DATA/,
    says: /w1/,
  },
  {
    name: 'through a folder and up',
    make: outside({ location: 'a/../../secret.bin' }, (p) => p.put('../secret.bin', secret)),
    exit: 3,
    code: /^EXTERNAL_DATA/,
  },
  { name: 'an absolute path', make: outside({ location: '/etc/passwd' }), exit: 3, code: /^EXTERNAL_DATA/ },
  {
    name: 'a link that leads outside',
    make: outside({ location: 'link.bin' }, (p) =>
      symlinkSync(p.put('../secret.bin', secret), join(p.root, 'link.bin')),
    ),
    exit: 3,
    code: /^EXTERNAL_DATA/,
  },
  {
    name: 'a folder that is a link outside',
    make: outside({ location: 'sub/secret.bin' }, (p) => {
      p.put('../else/secret.bin', secret);
      symlinkSync('../else', join(p.root, 'sub'));
    }),
    exit: 3,
    code: /^EXTERNAL_DATA/,
  },
  {
    name: 'a device',
    make: outside({ location: 'zero.bin' }, (p) => symlinkSync('/dev/zero', join(p.root, 'zero.bin'))),
    exit: 3,
    code: /^EXTERNAL_DATA/,
  },
  {
    name: 'a file that is not there',
    make: outside({ location: 'gone.bin' }),
    exit: 3,
    code: /^EXTERNAL_DATA/,
    says: /gone\.bin/,
  },
  { name: 'no location', make: outside({ offset: '0' }), exit: 3, code: /^EXTERNAL_DATA/ },
  {
    name: 'an offset beyond the end',
    make: outside({ location: 'w.bin', offset: '4096' }, (p) => p.put('w.bin', secret)),
    exit: 3,
    code: /^(EXTERNAL_DATA|TENSOR_SIZE)/,
  },
  {
    name: 'a negative offset',
    make: outside({ location: 'w.bin', offset: '-8' }, (p) => p.put('w.bin', secret)),
    exit: 3,
    code: /^EXTERNAL_DATA/,
  },
  {
    name: 'a length of 10¹⁸',
    make: outside({ location: 'w.bin', length: '1000000000000000000' }, (p) => p.put('w.bin', secret)),
    exit: 3,
    code: /^(EXTERNAL_DATA|TENSOR_SIZE)/,
  },
  {
    name: 'a file that is too short',
    make: outside({ location: 'w.bin' }, (p) => p.put('w.bin', secret.subarray(9))),
    exit: 3,
    code: /^(EXTERNAL_DATA|TENSOR_SIZE)/,
  },
];

describe('files that are no models', () => {
  it.concurrent.each(FILES)('$name', attack);
});
describe('graphs that make no sense', () => {
  it.concurrent.each(GRAPHS)('$name', attack);
});
describe('sizes that lie', () => {
  it.concurrent.each(SIZES)('$name', attack);
});
describe('external data', () => {
  it.concurrent.each(EXTERNAL)('$name', attack);
});

it('an unused constant of 10⁹ declared elements is dropped like any unused one', async () => {
  const net = changed((m) => {
    m.graph.initializers.push({ ...random('z', [1]), dims: [1e9] });
  });
  const place = scene(net);
  const outcome = await run(place, ['net.onnx', ...USUAL]);
  expectCivil(outcome);
  expect(outcome.code, outcome.stderr).toBe(0);
  const { graph } = loadModel(join(place.root, 'out.onnx')).model;
  expect(graph.initializers.map((t) => t.name)).not.toContain('z');
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
