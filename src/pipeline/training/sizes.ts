import { QuantizeError, unsupportedError } from '../../errors.js';
import type { Model } from '../../ir/model.js';
import { elementCount } from '../../ir/tensor.js';
import { specialize, staticDims } from '../../prepare/index.js';
import type { Feeds } from '../../runtime/types.js';

/** A model for batches of one size: every size a number. */
export interface Sized {
  model: Model;
  dims: Map<string, number[]>;
  batch: number;
}

const INPUT_VALUES = 2 ** 20;
const [LEAST_BATCH, MOST_BATCH] = [8, 64];

/** About a million input values a step: small pictures many at once, large ones few. */
export function defaultBatch(sample: Feeds): number {
  const values = Object.values(sample).reduce((n, { dims }) => n + elementCount(dims), 0);
  const fitting = 2 ** Math.floor(Math.log2(INPUT_VALUES / Math.max(1, values)));
  return Math.min(MOST_BATCH, Math.max(LEAST_BATCH, fitting));
}

/**
 * The model with inputs of `batch` samples like `sample`; one sample at a time where its own constants fix the batch.
 * @throws QuantizeError TRAIN_SHAPES (unsupported) where sizes depend on the data
 */
export async function sized(model: Model, sample: Feeds, batch: number): Promise<Sized> {
  try {
    return await sizedFor(model, sample, batch);
  } catch (error) {
    if (batch === 1 || !(error instanceof QuantizeError)) throw error;
    return sizedFor(model, sample, 1);
  }
}

async function sizedFor(model: Model, sample: Feeds, batch: number): Promise<Sized> {
  const inputs = Object.entries(sample).map(([name, { dims }]): [string, number[]] => [
    name,
    [batch, ...dims.slice(1)],
  ]);
  const fixed = await specialize(model, Object.fromEntries(inputs));
  const dims = new Map<string, number[]>();
  for (const [name, meta] of fixed.types) {
    const known = staticDims(meta);
    if (known) dims.set(name, known);
  }
  for (const name of fixed.model.graph.outputs.map((o) => o.name)) {
    const rows = dims.get(name);
    if (rows && (rows[0] === batch || batch === 1)) continue;
    throw unsupportedError(
      'TRAIN_SHAPES',
      `the size of output "${name}" for ${batch} samples is not known beforehand`,
      {
        where: { tensor: name },
        hint: 'give sizes of open dimensions with --dim, or train with --batch 1',
      },
    );
  }
  const made = fixed.model.graph.nodes.flatMap((n) => n.outputs.filter((o) => o !== ''));
  const open = made.find((name) => !dims.has(name));
  if (open !== undefined)
    throw unsupportedError('TRAIN_SHAPES', `the size of "${open}" is not known beforehand`, {
      where: { tensor: open },
    });
  return { model: fixed.model, dims, batch };
}
