import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { elementCount } from '../../src/ir/tensor.js';
import { loadModel, saveModel } from '../../src/onnx/index.js';
import { sized } from '../../src/pipeline/training/sizes.js';
import { graphInputs, prepare } from '../../src/prepare/index.js';
import type { TensorValue } from '../../src/runtime/types.js';
import { goalOf, layoutOf, openTrainer, type Problem, quantizersOf } from '../../src/train/index.js';
import { seeded } from '../prepare/helpers.js';
import { ZOO } from '../zoo/samples.js';
import { PYTHON, python, WITHOUT } from './python.js';

const work = mkdtempSync(join(tmpdir(), 'quantize-autograd-'));
afterAll(() => rmSync(work, { recursive: true, force: true }));

const vision = (name: string) => join(ZOO, 'models/vision', `${name}.onnx`);
/** Batch, and how many times as large as [−1, 1) inputs are. */
const NETWORKS = [
  { name: 'the fixture', file: join(import.meta.dirname, '../../fixtures/shapes.onnx'), batch: 4, loud: 255 },
  ...(ZOO
    ? [
        { name: 'mobilenetv2-7', file: vision('mobilenetv2-7'), batch: 1, loud: 1 },
        { name: 'the CIFAR-10 ViT', file: vision('cifar10_vit_pgd_2_3_16'), batch: 1, loud: 1 },
      ]
    : []),
];

const uniform = (dims: number[], seed: number, factor: number): TensorValue => {
  const next = seeded(seed);
  const data = Float32Array.from({ length: elementCount(dims) }, () => factor * (2 * next() - 1));
  return { dtype: 'float32', dims, data };
};

type Norms = [theirs: number, difference: number];

interface Judged {
  whole: Norms;
  norms: Record<string, Norms>;
}

/** One class right in each row. */
function sharesOf([rows, classes]: number[]): TensorValue {
  const data = new Float32Array(rows * classes);
  for (let row = 0; row < rows; row++) data[row * classes + ((7 * row + 3) % classes)] = 1;
  return { dtype: 'float32', dims: [rows, classes], data };
}

const raw = (name: string, { data }: Pick<TensorValue, 'data'>): string => {
  const file = join(work, name);
  writeFileSync(file, data as Float32Array);
  return file;
};

describe.skipIf(!PYTHON)(
  `gradients are those of an independent autograd${PYTHON ? '' : ` (${WITHOUT})`}`,
  () => {
    it.each(NETWORKS)('$name', async ({ file, batch, loud }) => {
      const { model: prepared } = await prepare(loadModel(file).model, { opset: 17 });
      const [{ name, dims: open }] = graphInputs(prepared);
      const one = uniform([1, ...(open.slice(1) as number[])], 5, loud);
      const { model, dims } = await sized(prepared, { [name]: one }, batch);
      const { terms } = goalOf(model, dims, []);
      const [{ value, target }] = terms;
      const [x, shares] = [uniform([batch, ...one.dims.slice(1)], 6, loud), sharesOf(dims.get(value)!)];
      // The first step of SGD with momentum leaves the gradient where the momentum is kept.
      const settings = { optimiser: 'sgd', learnScales: false, clip: 0, annealing: false } as const;
      const problem: Problem = { model, dims, terms, settings };
      const trainer = await openTrainer(problem, 2);
      await trainer.step({ [name]: x, [target]: shares }, { step: 1, rate: 0, scaleRate: 0, share: 1 });
      const gradients = trainer.state.weights.first.slice();
      await trainer.release();
      const job = {
        model: join(work, 'model.onnx'),
        parameters: layoutOf(problem, quantizersOf(problem)).parameters,
        scores: value,
        ...{
          input: raw('input', x),
          inputDims: x.dims,
          shares: raw('shares', shares),
          sharesDims: shares.dims,
        },
        gradients: raw('gradients', { data: gradients }),
      };
      await saveModel(model, job.model);
      writeFileSync(join(work, 'job.json'), JSON.stringify(job));
      const { whole, norms } = await python<Judged>('autograd.py', [join(work, 'job.json')]);
      expect(trainer.frozen).toEqual([]);
      expect(Object.keys(norms)).toHaveLength(job.parameters.length);
      // float32 on both sides, sums in another order; of a bias of attention's keys the gradient is 0.
      for (const [constant, [theirs, difference]] of Object.entries(norms))
        expect(difference, constant).toBeLessThan(1e-3 * theirs + 1e-6 * whole[0]);
    });
  },
);
