import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import type { PackageFile } from '../../src/emit/mlpackage/index.js';
import { numbersOf } from '../../src/emit/mlpackage/literal.js';
import type { Literal, Operation } from '../../src/emit/mlpackage/program.js';
import { readProgram } from '../../src/emit/mlpackage/read.js';
import { dequantized, type Weight } from '../../src/emit/weight.js';
import { floatToHalf } from '../../src/ir/half.js';
import { halfToFloat, viewAs } from '../../src/ir/tensor.js';
import { CASES } from '../emit/mlpackage/cases.js';
import { packaged } from '../emit/mlpackage/export.js';
import { STORED, storedModel } from '../emit/mlpackage/stored.js';
import { VARIANTS } from '../emit/mlpackage/variants.js';
import { WEIGHTS } from '../emit/mlpackage/weights.js';
import { together } from '../emit/together.js';
import { buildModel, node, random } from '../prepare/opset/build.js';
import { exported } from '../zoo/packages.js';
import { ZOO } from '../zoo/samples.js';
import { MODELS } from '../zoo/zoo.js';
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

const write = async ({ name, case: c, ios }: Job): Promise<string> =>
  store(name, (await packaged(buildModel({ ...c, opset: c.opset ?? 16 }), { ios })).files);

function store(name: string, files: PackageFile[]): string {
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

/** Ours against what coremltools worked out, bit for bit; returns how many there were. */
function compareConstants({ name, constants: theirs }: Read, folder: string): number {
  const compared = Object.keys(theirs).length === 0 ? [] : constexprs(name);
  for (const [constant, ours] of compared) {
    const bytes = new Uint8Array(readFileSync(join(folder, name, `${constant}.bin`)));
    const values = viewAs(Float32Array, bytes);
    expect(values.length).toBe(ours.length);
    expect(
      values.findIndex((v, i) => v !== ours[i]),
      `${name} ${constant}`,
    ).toBe(-1);
  }
  return compared.length;
}

/** Scales and tables as float16 holds them. */
function halfGrid(weight: Weight): Weight {
  const { quantized } = weight;
  const half = (values: Float32Array) => values.map((v) => halfToFloat(floatToHalf(v)));
  if (!quantized) return weight;
  const { lut } = quantized;
  if (lut) return { ...weight, quantized: { ...quantized, lut: { ...lut, tables: half(lut.tables) } } };
  return { ...weight, quantized: { ...quantized, scale: half(quantized.scale) } };
}

/** Plain, residual, depthwise, transformer, detector, recurrent, language model. */
const REAL = [
  'vision/mobilenetv2-7',
  'vision/squeezenet1.1',
  'vision/cifar10_resnet8_mlperftiny',
  'vision/cifar10_resnet_2b',
  'vision/cifar10_resnet_4b',
  'vision/cifar10_vit_pgd_2_3_16',
  'detect/yolox_nano',
  'audio/dtln_model_1',
  'nlp/stories260K',
];

describe.skipIf(!PYTHON)(`coremltools takes what we write${PYTHON ? '' : ` (${WITHOUT})`}`, () => {
  it('loads every operator’s package and each of its forms, type-checks it, and reads the same constants', async () => {
    const paths: string[] = [];
    for (const job of all) paths.push(await write(job));
    for (const { opset, model } of together(VARIANTS))
      for (const ios of [17, 18] as const)
        paths.push(store(`forms${opset}-ios${ios}.mlpackage`, (await packaged(model, { ios })).files));
    const constants = join(work, 'constants');
    const read = await python<Read[]>('read_mlpackage.py', [constants, ...paths]);
    expect(read.filter((r) => r.verdict !== 'ok')).toEqual([]);
    expect(read).toHaveLength(paths.length);
    let compared = 0;
    for (const r of read) compared += compareConstants(r, constants);
    const inCodes = all.filter((job) => WEIGHTS.includes(job.case) && !job.case.name.includes('as floats'));
    expect(compared).toBeGreaterThanOrEqual(inCodes.length);
  });

  it('reads tables and sparse weights as they were meant', async () => {
    const cases = STORED.flatMap((c) => c.ios.map((ios) => ({ ...c, ios: [ios] as const })));
    const paths: string[] = [];
    for (const [i, c] of cases.entries()) {
      const { model, stored } = storedModel(c);
      const { files } = await packaged(model, { stored, ios: c.ios[0] });
      paths.push(store(`stored${i}.mlpackage`, files));
    }
    const constants = join(work, 'stored');
    const read = await python<Read[]>('read_mlpackage.py', [constants, ...paths]);
    expect(read.map((r) => r.verdict)).toEqual(cases.map(() => 'ok'));
    for (const [i, c] of cases.entries()) {
      const [name] = Object.keys(read[i].constants);
      // Floats for iOS 17 are a plain constant.
      if (name === undefined) continue;
      const values = viewAs(
        Float32Array,
        new Uint8Array(readFileSync(join(constants, read[i].name, `${name}.bin`))),
      );
      const meant = dequantized(halfGrid(c.weight)).map((v) => halfToFloat(floatToHalf(v)));
      expect(values, c.name).toEqual(meant);
    }
  });

  it('sees pictures where they are asked for', async () => {
    const model = buildModel({
      name: 'x',
      opset: 16,
      nodes: [node('Relu', 'a', 'y')],
      inputs: { a: random(1, 3, 8, 8) },
    });
    const image = { color: 'bgr' as const, factor: [1 / 127.5], offset: [-1] };
    const path = store('picture.mlpackage', (await packaged(model, { image })).files);
    const [read] = await python<Read[]>('read_mlpackage.py', [join(work, 'picture'), path]);
    expect(read).toMatchObject({ verdict: 'ok', inputs: { a: 'imageType' } });
  });

  it.skipIf(!ZOO)('loads real networks, and reads the same constants', async () => {
    const paths: string[] = [];
    for (const zoo of MODELS.filter((m) => REAL.includes(m.id)))
      paths.push(store(`${basename(zoo.id)}.mlpackage`, (await exported(zoo, 'int8-perchannel')).pack.files));
    const constants = join(work, 'real');
    const read = await python<Read[]>('read_mlpackage.py', [constants, ...paths]);
    expect(read.map(({ name, verdict }) => [name, verdict])).toEqual(paths.map((p) => [basename(p), 'ok']));
    for (const r of read) expect(compareConstants(r, constants)).toBeGreaterThan(0);
  });
});
