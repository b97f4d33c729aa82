import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { signatureName } from '../../src/emit/savedmodel/graph.js';
import type { SavedModel } from '../../src/emit/savedmodel/index.js';
import { FILES } from '../../src/emit/savedmodel/index.js';
import { hloTypeOf } from '../../src/emit/savedmodel/program.js';
import { typeText } from '../../src/emit/savedmodel/text.js';
import type { Dtype } from '../../src/ir/dtypes.js';
import type { Model } from '../../src/ir/model.js';
import { floatValues } from '../../src/ir/tensor.js';
import type { Feeds, TensorValue, TypedArray } from '../../src/runtime/types.js';
import type { Case } from '../emit/mlpackage/cases.js';
import { VARIANTS } from '../emit/mlpackage/variants.js';
import { INTEGER_NAMES, SAVED } from '../emit/savedmodel/cases.js';
import { packaged } from '../emit/savedmodel/export.js';
import { OPEN, type Open, openModel, openPackage } from '../emit/savedmodel/open.js';
import { caseOf, together } from '../emit/together.js';
import { distance, run } from '../prepare/opset/build.js';
import { saved } from '../zoo/packages.js';
import { ZOO } from '../zoo/samples.js';
import { MODELS } from '../zoo/zoo.js';
import { PYTHON, python, WITHOUT } from './python.js';

const work = mkdtempSync(join(tmpdir(), 'quantize-savedmodel-'));
afterAll(() => rmSync(work, { recursive: true, force: true }));

interface Job {
  name: string;
  pack: SavedModel;
  feeds: Feeds;
}

function put(path: string, bytes: Uint8Array): string {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, bytes);
  return path;
}

const store = ({ name, pack }: Job): string => {
  for (const { path, chunks } of pack.files) put(join(work, name, path), Buffer.concat(chunks));
  return join(work, name);
};

const bytesOf = (v: TensorValue): Uint8Array => {
  const { buffer, byteOffset, byteLength } = v.data as TypedArray;
  return new Uint8Array(buffer, byteOffset, byteLength);
};

const ARRAYS: Partial<Record<Dtype, (b: ArrayBuffer) => TypedArray>> = {
  float32: (b) => new Float32Array(b),
  int32: (b) => new Int32Array(b),
  int64: (b) => new BigInt64Array(b),
  bool: (b) => new Uint8Array(b),
};

/** What TensorFlow makes of each package's twin. */
async function inTensorFlow(jobs: readonly Job[]): Promise<Feeds[]> {
  const asked = jobs.map((job) => {
    const folder = store(job);
    const { inputs, outputs } = job.pack.lowered;
    return {
      path: join(folder, dirname(FILES.cpu)),
      inputs: inputs.map(({ name, dtype }, i) => ({
        name: signatureName(name),
        file: put(join(folder, `in${i}`), bytesOf(job.feeds[name])),
        dtype,
        dims: job.feeds[name].dims,
      })),
      outputs: outputs.map(({ name }, i) => ({ name: signatureName(name), file: join(folder, `out${i}`) })),
    };
  });
  const verdicts = await python<{ path: string; verdict: string }[]>(
    'run_saved_model.py',
    [],
    JSON.stringify(asked),
  );
  expect(verdicts.filter((v) => v.verdict !== 'ok')).toEqual([]);
  return jobs.map(({ pack }, j) =>
    Object.fromEntries(
      pack.lowered.outputs.map(({ name, dtype, dims }, i) => {
        const bytes = new Uint8Array(readFileSync(asked[j].outputs[i].file));
        return [name, { dtype, dims, data: ARRAYS[dtype]!(bytes.buffer as ArrayBuffer) }];
      }),
    ),
  );
}

/** XLA's own exponentials, and products summed in another order. */
const BOUND = 2e-5;
/** A residual network and a transformer; docs/tpu.md has figures of more. */
const REAL = ['vision/cifar10_resnet_2b', 'vision/cifar10_vit_pgd_2_3_16'];

/** The step of the last activation that is quantized. */
function lastStep({ graph }: Model): number {
  const last = graph.nodes.filter((n) => n.opType === 'QuantizeLinear').at(-1)!;
  return floatValues(graph.initializers.find((t) => t.name === last.inputs[1])!)[0];
}

describe.skipIf(!PYTHON)(`TensorFlow and JAX take what we write${PYTHON ? '' : ` (${WITHOUT})`}`, () => {
  const operators: (Job & { model: Model; cases: readonly Case[] })[] = [];
  const networks: (Job & { model: Model })[] = [];
  const opened: (Job & { open: Open })[] = [];
  let results: Feeds[] = [];

  beforeAll(async () => {
    for (const { opset, ...merged } of together([...SAVED, ...VARIANTS])) {
      const pack = await packaged(merged.model, { compute: 'f32' });
      operators.push({ name: `opset${opset}`, ...merged, pack });
    }
    for (const zoo of MODELS.filter((m) => ZOO && REAL.includes(m.id)))
      networks.push({ name: basename(zoo.id), ...(await saved(zoo, 'int8-perchannel', { compute: 'f32' })) });
    for (const c of OPEN)
      opened.push({ name: c.name, pack: await openPackage(c), feeds: { a: c.input(3) }, open: c });
    results = await inTensorFlow([...operators, ...networks, ...opened]);
  }, 600_000);

  it('TensorFlow runs every operator as onnxruntime does, and products of codes bit for bit', async () => {
    for (const [j, { model, cases, feeds }] of operators.entries())
      for (const [name, value] of Object.entries(await run(model, feeds))) {
        const c = caseOf(cases, name);
        const bound = INTEGER_NAMES.includes(c.name) ? 0 : BOUND;
        expect(distance(value, results[j][name]), c.name).toBeLessThanOrEqual(bound);
      }
  });

  it.skipIf(!ZOO)('and real networks within one step of the last scale', async () => {
    for (const [j, { name, model, pack, feeds }] of networks.entries())
      for (const [output, value] of Object.entries(await run(pack.readBack(), feeds))) {
        const theirs = results[operators.length + j][output].data as Float32Array;
        const apart = (value.data as Float32Array).map((v, i) => Math.abs(v - theirs[i]));
        expect(Math.max(...apart), name).toBeLessThanOrEqual(lastStep(model));
      }
  });

  it('and batches of another size than the package was made with', async () => {
    for (const [j, { name, open, feeds }] of opened.entries()) {
      const { y } = await run(openModel(open), feeds);
      const theirs = { ...results[operators.length + networks.length + j].y, dims: y.dims };
      expect(distance(y, theirs), name).toBeLessThanOrEqual(BOUND);
    }
  });

  it('JAX parses the module as what the interface says', async () => {
    const [{ name, pack }] = operators;
    const [read] = await python<{ verdict: string; types: string[][] }[]>('parse_stablehlo.py', [
      join(work, name, FILES.module),
    ]);
    const { inputs, outputs, program } = pack.lowered;
    const ports = (list: typeof inputs) =>
      list.map(({ dtype, dims }) => typeText({ dtype: hloTypeOf(dtype)!, dims }));
    expect(read).toMatchObject({
      verdict: 'ok',
      types: [[...ports(inputs), ...program.weights.map((w) => typeText(w.value))], ports(outputs)],
    });
  });
});
