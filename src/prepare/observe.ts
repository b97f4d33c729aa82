import { cloneModel, makeNode, nameAllocator, usedNames } from '../ir/graph.js';
import type { Model } from '../ir/model.js';
import { openModel } from '../runtime/index.js';
import type { Feeds, ValueMeta } from '../runtime/types.js';
import { inferTypes } from './infer.js';
import { staticDims } from './probe.js';

/**
 * Types and shapes as `inferTypes` gives them for the dims of one real sample, and for what stays open (operators
 * without shape inference, such as Crop; shapes that the data decides; outputs of If) as that sample makes them.
 * One run whose only outputs are the Shapes of those values, so no activation is kept; none for a model without its
 * weights.
 * @throws QuantizeError RUN_FAILED (invalid) when the sample does not fit the model
 */
export async function observeTypes(model: Model, sample: Feeds): Promise<Map<string, ValueMeta>> {
  const dims = Object.fromEntries(Object.entries(sample).map(([name, value]) => [name, value.dims]));
  const types = await inferTypes(model, dims);
  const open = [...types.values()].filter((meta) => staticDims(meta) === undefined);
  if (open.length === 0 || model.graph.initializers.some((t) => t.external?.absent)) return types;
  for (const [name, seen] of await shapesOf(model, sample, open))
    types.set(name, { ...types.get(name)!, dims: seen });
  return types;
}

async function shapesOf(model: Model, sample: Feeds, open: ValueMeta[]): Promise<Map<string, number[]>> {
  const copy = cloneModel(model);
  const fresh = nameAllocator(usedNames(copy.graph));
  const shapes = new Map(open.map((meta) => [fresh(`${meta.name}_shape`), meta.name]));
  for (const [output, name] of shapes) copy.graph.nodes.push(makeNode('Shape', [name], [output]));
  copy.graph.outputs = [...shapes.keys()].map((name) => ({ name }));
  const session = await openModel(copy, { optimize: 'disabled' });
  try {
    const seen = await session.run(sample);
    return new Map(
      Object.entries(seen).map(([output, value]) => [shapes.get(output)!, Array.from(value.data, Number)]),
    );
  } finally {
    await session.release();
  }
}
