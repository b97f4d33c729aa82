import { symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'vitest';
import type { Model } from '../../src/ir/model.js';
import { type Attack, attack, changed, type Scene, scene } from './harness.js';

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
/** As many bytes as the weight needs. */
const secret = new Uint8Array(4 * 144);

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

describe('external data', () => {
  it.concurrent.each(EXTERNAL)('$name', attack);
});
