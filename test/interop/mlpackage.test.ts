import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { numbersOf } from '../../src/emit/mlpackage/literal.js';
import type { Literal, Operation } from '../../src/emit/mlpackage/program.js';
import { readProgram } from '../../src/emit/mlpackage/read.js';
import { floatToHalf } from '../../src/ir/half.js';
import { halfToFloat, viewAs } from '../../src/ir/tensor.js';
import { CASES } from '../emit/mlpackage/cases.js';
import { packaged } from '../emit/mlpackage/export.js';
import { WEIGHTS } from '../emit/mlpackage/weights.js';
import { buildModel } from '../prepare/opset/build.js';
import { PYTHON, python, WITHOUT } from './python.js';

const work = mkdtempSync(join(tmpdir(), 'quantize-coreml-'));
afterAll(() => rmSync(work, { recursive: true, force: true }));

interface Read {
  name: string;
  verdict: string;
  operations: Record<string, number>;
  constants: Record<string, number[]>;
  inputs: Record<string, string>;
}

interface Job {
  name: string;
  case: (typeof CASES)[number];
  ios: 17 | 18;
}

const all: Job[] = [...CASES, ...WEIGHTS].flatMap((c, i) =>
  ([17, 18] as const)
    .filter((ios) => (c.ios ?? 17) <= ios)
    .map((ios) => ({ name: `${i}-ios${ios}.mlpackage`, case: c, ios })),
);

async function write({ name, case: c, ios }: Job): Promise<string> {
  const { files } = await packaged(buildModel({ ...c, opset: c.opset ?? 16 }), { ios });
  for (const { path, chunks } of files) {
    const file = join(work, name, path);
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, Buffer.concat(chunks));
  }
  return join(work, name);
}

/** (q − offset) · scale in float16, the grid spread over the data: what a constexpr operation says. */
function meaning(o: Operation): Float32Array {
  const part = (...names: string[]): Literal | undefined =>
    [...o.attributes, ...o.inputs].find(([n]) => names.includes(n))?.[1] as Literal | undefined;
  const data = part('data', 'quantized_data')!;
  const scale = part('scale')!;
  const offset = part('offset', 'zero_point');
  const axis = o.attributes.length > 0 ? numbersOf(part('axis')!)[0] : undefined;
  const grid =
    axis === undefined ? scale.dims : data.dims.map((d, i) => (i === axis && scale.dims.length ? d : 1));
  const [q, s, z] = [numbersOf(data), numbersOf(scale), offset && numbersOf(offset)];
  return Float32Array.from({ length: q.length }, (_, i) => {
    let [rest, index, stride] = [i, 0, 1];
    for (let a = data.dims.length - 1; a >= 0; a--) {
      index += Math.floor(((rest % data.dims[a]) * grid[a]) / data.dims[a]) * stride;
      rest = Math.floor(rest / data.dims[a]);
      stride *= grid[a];
    }
    return halfToFloat(floatToHalf((q[i] - (z?.[index] ?? 0)) * s[index]));
  });
}

function constexprs(name: string): [string, Float32Array][] {
  const data = join(work, name, 'Data/com.apple.CoreML');
  const bytes = (file: string) => new Uint8Array(readFileSync(join(data, file)));
  const { program } = readProgram(bytes('model.mlmodel'), bytes('weights/weight.bin'));
  return program.operations
    .filter((o) => /^constexpr_(affine|blockwise)/.test(o.type) && !o.inputs.some(([, a]) => 'name' in a))
    .map((o) => [o.outputs[0].name, meaning(o)]);
}

describe.skipIf(!PYTHON)(`coremltools takes what we write${PYTHON ? '' : ` (${WITHOUT})`}`, () => {
  it('loads every operator’s package, type-checks it, and reads the same constants', async () => {
    const paths: string[] = [];
    for (const job of all) paths.push(await write(job));
    const constants = join(work, 'constants');
    const read = await python<Read[]>('read_mlpackage.py', [constants, ...paths]);
    expect(read.filter((r) => r.verdict !== 'ok')).toEqual([]);
    expect(read).toHaveLength(all.length);
    let compared = 0;
    for (const { name, constants: theirs } of read.filter((r) => Object.keys(r.constants).length > 0))
      for (const [constant, ours] of constexprs(name)) {
        expect(Object.keys(theirs)).toContain(constant);
        const bytes = new Uint8Array(readFileSync(join(constants, name, `${constant}.bin`)));
        expect(viewAs(Float32Array, bytes), `${name} ${constant}`).toEqual(ours);
        compared++;
      }
    expect(compared).toBeGreaterThanOrEqual(2 * WEIGHTS.length - 2);
  });
});
