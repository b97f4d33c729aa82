import { cloneModel } from '../ir/graph.js';
import type { Model, ValueInfo } from '../ir/model.js';
import type { ValueMeta } from '../runtime/types.js';
import { foldConstants } from './passes/fold-constants.js';
import { foldShapes } from './passes/fold-shapes.js';
import { merge, probeTypes, staticDims, tryProbe } from './probe.js';

/** Each round makes the shapes behind one more computed reshape concrete; real networks settle in two or three. */
const MAX_ROUNDS = 6;

/**
 * Types and shapes of every value of the main graph, by onnxruntime's own inference, without running the model.
 * `dims`: a number, a symbol ("batch"), or −1 when nothing is known of the axis; ["*"] (UNKNOWN_RANK) when not even
 * the rank is. Initializers are in the result; sequence, map and optional values are not.
 *
 * @param inputDims concrete dims by graph input. They replace the stated ones, and shape arithmetic that follows
 *   from them is folded in a private copy, so that nearly every shape comes out concrete.
 */
export async function inferTypes(
  model: Model,
  inputDims: Record<string, number[]> = {},
): Promise<Map<string, ValueMeta>> {
  if (Object.keys(inputDims).length === 0) return probeTypes(model);
  const copy = withInputDims(model, inputDims);
  let types = await tryProbe(copy);
  // Dims that only suit the branch of an If that runs make onnxruntime refuse the other one.
  if (!types) return probeTypes(model);
  for (let round = 0; round < MAX_ROUNDS && isOpen(types); round++) {
    const shapes = await foldShapes.run(copy, {});
    const constants = await foldConstants.run(copy, {});
    if (shapes.changes + constants.changes === 0) break;
    types = merge(types, (await tryProbe(copy))?.values() ?? []);
  }
  return types;
}

/** A copy that states these dims of its inputs, and what follows from them of its outputs. */
export function withInputDims(model: Model, inputDims: Record<string, number[]>): Model {
  const copy = cloneModel(model);
  copy.graph.inputs = copy.graph.inputs.map((input) => withDims(input, inputDims[input.name]));
  copy.graph.outputs = bindSymbols(model, inputDims);
  return copy;
}

const isOpen = (types: Map<string, ValueMeta>): boolean =>
  [...types.values()].some((meta) => staticDims(meta) === undefined);

/** The graph outputs as stated, with the symbols that the inputs' dims give a number. */
function bindSymbols(model: Model, inputDims: Record<string, number[]>): ValueInfo[] {
  const sizes = new Map<string, number>();
  for (const { name, type } of model.graph.inputs)
    for (const [i, dim] of (type?.tensor?.shape?.dims ?? []).entries())
      if (dim.param && inputDims[name]?.[i] !== undefined) sizes.set(dim.param, inputDims[name][i]);
  return model.graph.outputs.map((output) => {
    const dims = output.type?.tensor?.shape?.dims;
    if (!dims) return output;
    const bound = dims.map((dim) => sizes.get(dim.param ?? '') ?? dim.value ?? -1);
    return withDims(output, bound);
  });
}

/** A dim of −1 stays open. */
function withDims(value: ValueInfo, dims: number[] | undefined): ValueInfo {
  const tensor = value.type?.tensor;
  if (!dims || !tensor) return value;
  const shape = { dims: dims.map((size) => (size < 0 ? {} : { value: size })) };
  return { ...value, type: { ...value.type, tensor: { ...tensor, shape } } };
}
