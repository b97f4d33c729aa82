import { QuantizeError } from '../errors.js';
import { dtypeName } from '../ir/dtypes.js';
import { cloneModel } from '../ir/graph.js';
import type { Dim, Graph, Model, Tensor, ValueInfo } from '../ir/model.js';
import { elementCount } from '../ir/tensor.js';
import { openModel } from '../runtime/index.js';
import type { ValueMeta } from '../runtime/types.js';

/** Weights above this become inputs of the probe: only their type matters, so their bytes need not be copied. */
const MAX_PROBE_ELEMENTS = 4096;

/**
 * Types and shapes of every value of the main graph in one look of onnxruntime's own inference, without running the
 * model. `dims`: a number, a symbol ("batch"), or "" when nothing is known of the axis. Initializers are in the
 * result; sequence, map and optional values are not.
 * When onnxruntime refuses every form of the probe, what the file states (value_info) is all there is.
 */
export async function probeTypes(model: Model): Promise<Map<string, ValueMeta>> {
  const stated = statedTypes(model.graph);
  for (const light of [true, false]) {
    try {
      return merge(stated, await probe(model, light));
    } catch (error) {
      if (!(error instanceof QuantizeError)) throw error;
    }
  }
  return stated;
}

async function probe(model: Model, light: boolean): Promise<ValueMeta[]> {
  const session = await openModel(probeModel(model, light), { optimize: 'disabled', threads: 1 });
  const known = [...session.inputs, ...session.outputs];
  await session.release();
  return known.filter((meta) => meta.dtype !== undefined);
}

/** A copy in which every value is an output without a stated type, so that onnxruntime must infer each. */
function probeModel(model: Model, light: boolean): Model {
  const copy = cloneModel(model);
  const { graph } = copy;
  if (light) {
    const heavy = graph.initializers.filter((t) => isHeavy(t, graph));
    graph.initializers = graph.initializers.filter((t) => !heavy.includes(t));
    graph.inputs.push(...heavy.map(asInput));
  }
  graph.valueInfo = [];
  graph.outputs = outputNames(graph).map((name) => ({ name }));
  return copy;
}

const outputNames = (graph: Graph): string[] => {
  const made = graph.nodes.flatMap((node) => node.outputs).filter((name) => name);
  return [...new Set([...graph.outputs.map((v) => v.name), ...made])];
};

const isHeavy = (tensor: Tensor, graph: Graph): boolean =>
  elementCount(tensor.dims) > MAX_PROBE_ELEMENTS &&
  !graph.inputs.some((v) => v.name === tensor.name) &&
  !graph.outputs.some((v) => v.name === tensor.name);

const asInput = (tensor: Tensor): ValueInfo => ({
  name: tensor.name ?? '',
  type: { tensor: { elemType: tensor.dataType, shape: { dims: tensor.dims.map((value) => ({ value })) } } },
});

/** What the file itself says: inputs, outputs, value_info, initializers. */
function statedTypes(graph: Graph): Map<string, ValueMeta> {
  const result = new Map<string, ValueMeta>();
  for (const { name, type } of [...graph.valueInfo, ...graph.outputs, ...graph.inputs]) {
    const dtype = dtypeName(type?.tensor?.elemType);
    const dims = type?.tensor?.shape?.dims;
    if (dtype && dims) result.set(name, { name, dtype, dims: dims.map(dimOf) });
  }
  for (const t of graph.initializers) {
    const dtype = dtypeName(t.dataType);
    if (t.name && dtype) result.set(t.name, { name: t.name, dtype, dims: [...t.dims] });
  }
  return result;
}

const dimOf = (dim: Dim): number | string => dim.value ?? dim.param ?? '';

/** onnxruntime writes an unknown rank like a scalar; there, and for single open dims, the file's word is better. */
export function merge(stated: Map<string, ValueMeta>, inferred: Iterable<ValueMeta>): Map<string, ValueMeta> {
  const result = new Map(stated);
  for (const meta of inferred) {
    const other = stated.get(meta.name)?.dims ?? [];
    const dims = meta.dims.length === 0 ? other : meta.dims;
    const fallback = other.length === dims.length ? other : dims;
    const known = (d: number | string) => d !== '' && d !== -1;
    result.set(meta.name, { ...meta, dims: dims.map((d, i) => (known(d) ? d : fallback[i])) });
  }
  return result;
}

/** The dims when every one is a number, else undefined. */
export const staticDims = (meta: ValueMeta | undefined): number[] | undefined =>
  meta?.dims.every((d): d is number => typeof d === 'number' && d >= 0) ? (meta.dims as number[]) : undefined;

/** What a caller must feed: the graph inputs that are no initializers, as the file states them (`dims` as above). */
export function graphInputs(model: Model): ValueMeta[] {
  const given = new Set(model.graph.initializers.map((t) => t.name));
  return model.graph.inputs
    .filter((input) => !given.has(input.name))
    .map(({ name, type }) => ({
      name,
      dtype: dtypeName(type?.tensor?.elemType),
      dims: (type?.tensor?.shape?.dims ?? []).map(dimOf),
    }));
}
