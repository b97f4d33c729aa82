import { QuantizeError } from '../errors.js';
import { type Dtype, dtypeName } from '../ir/dtypes.js';
import { cloneModel, makeNode, nameAllocator, usedNames } from '../ir/graph.js';
import type { Dim, Graph, Model, Tensor, ValueInfo } from '../ir/model.js';
import { elementCount } from '../ir/tensor.js';
import { openModel } from '../runtime/index.js';
import type { ValueMeta } from '../runtime/types.js';

/** Weights above this become inputs of the probe: only their type matters, so their bytes need not be copied. */
const MAX_PROBE_ELEMENTS = 4096;

/** The only dim of a value whose number of axes is not known. */
export const UNKNOWN_RANK = '*';

/**
 * Types and shapes of every value of the main graph in one look of onnxruntime's own inference, without running the
 * model. `dims`: a number, a symbol ("batch"), or −1 when nothing is known of the axis; ["*"] when not even the rank
 * is. Initializers are in the result; sequence, map and optional values are not.
 * When onnxruntime refuses every form of the probe, what the file states (value_info) is all there is.
 */
export const probeTypes = async (model: Model): Promise<Map<string, ValueMeta>> =>
  (await tryProbe(model)) ?? statedTypes(model.graph);

/** As probeTypes, but undefined when onnxruntime refuses every form of the probe. */
export async function tryProbe(model: Model): Promise<Map<string, ValueMeta> | undefined> {
  for (const light of [true, false]) {
    try {
      const copy = probeModel(model, light);
      const types = merge(statedTypes(model.graph), await settleRanks(copy, await probe(copy)));
      for (const [name, { input, dtype }] of float8Codes(model.graph))
        types.set(name, { name, dtype, dims: types.get(input)?.dims ?? [UNKNOWN_RANK] });
      return types;
    } catch (error) {
      if (!(error instanceof QuantizeError)) throw error;
    }
  }
  return undefined;
}

async function probe(model: Model): Promise<ValueMeta[]> {
  const session = await openModel(model, { optimize: 'disabled', threads: 1 });
  const known = [...session.inputs, ...session.outputs];
  await session.release();
  return known.filter((meta) => meta.dtype !== undefined);
}

/** onnxruntime writes an unknown rank like a scalar's; the length of the value's Shape tells the two apart. */
async function settleRanks(model: Model, metas: ValueMeta[]): Promise<ValueMeta[]> {
  const doubtful = metas.filter((meta) => meta.dims.length === 0);
  if (doubtful.length === 0) return metas;
  const fresh = nameAllocator(usedNames(model.graph));
  const lengths = new Map(doubtful.map((meta) => [fresh(`${meta.name}_rank`), meta]));
  const shapes = [...lengths].map(([output, meta]) => makeNode('Shape', [meta.name], [output]));
  const graph = {
    ...model.graph,
    nodes: [...model.graph.nodes, ...shapes],
    outputs: [...lengths.keys()].map((name) => ({ name })),
  };
  const settled = await probe({ ...model, graph });
  const scalars = new Set(settled.filter((m) => m.dims[0] === 0).map((m) => lengths.get(m.name)));
  return metas.map((m) => (m.dims.length > 0 || scalars.has(m) ? m : { ...m, dims: [UNKNOWN_RANK] }));
}

/** A copy in which every value is an output without a stated type, so that onnxruntime must infer each. */
function probeModel(model: Model, light: boolean): Model {
  const copy = cloneModel(model);
  const { graph } = copy;
  if (light) {
    const heavy = new Set(graph.initializers.filter((t) => isHeavy(t, graph)));
    graph.initializers = graph.initializers.filter((t) => !heavy.has(t));
    graph.inputs.push(...[...heavy].map(asInput));
  }
  graph.valueInfo = [];
  graph.outputs = outputNames(graph).map((name) => ({ name }));
  return copy;
}

/** Codes that onnxruntime cannot hand out; they have the shape of what they are made of. */
function float8Codes(graph: Graph): Map<string, { input: string; dtype: Dtype }> {
  const dtypes = new Map(graph.initializers.map((t) => [t.name, dtypeName(t.dataType)]));
  const made = graph.nodes
    .filter((n) => n.opType === 'QuantizeLinear')
    .map(({ inputs, outputs }) => {
      const dtype = dtypes.get(inputs[2]);
      return dtype?.startsWith('float8') ? [[outputs[0], { input: inputs[0], dtype }] as const] : [];
    });
  return new Map(made.flat());
}

const outputNames = (graph: Graph): string[] => {
  const hidden = float8Codes(graph);
  const made = graph.nodes.flatMap((node) => node.outputs).filter((name) => name && !hidden.has(name));
  return [...new Set([...graph.outputs.map((v) => v.name), ...made])];
};

const isHeavy = (tensor: Tensor, graph: Graph): boolean =>
  (elementCount(tensor.dims) > MAX_PROBE_ELEMENTS || tensor.external?.absent === true) &&
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

const dimOf = (dim: Dim): number | string => dim.value ?? dim.param ?? -1;

/** What was inferred, and where that leaves a rank or a single dim open, what was known before. */
export function merge(stated: Map<string, ValueMeta>, inferred: Iterable<ValueMeta>): Map<string, ValueMeta> {
  const result = new Map(stated);
  for (const meta of inferred) {
    const other = stated.get(meta.name)?.dims;
    const dims = meta.dims[0] === UNKNOWN_RANK && other ? other : meta.dims;
    const fallback = other?.length === dims.length ? other : dims;
    result.set(meta.name, { ...meta, dims: dims.map((d, i) => (isKnown(d) ? d : open(fallback[i]))) });
  }
  return result;
}

const isKnown = (dim: number | string): boolean => dim !== '' && dim !== -1;
const open = (dim: number | string): number | string => (isKnown(dim) ? dim : -1);

/** The dims when every one is a number, else undefined. */
export const staticDims = (meta: ValueMeta | undefined): number[] | undefined =>
  meta?.dims.every((d): d is number => typeof d === 'number' && d >= 0) ? (meta.dims as number[]) : undefined;

/** A graph input or output as the file states it (`dims` as above). */
export const valueMeta = ({ name, type }: ValueInfo): ValueMeta => ({
  name,
  dtype: dtypeName(type?.tensor?.elemType),
  dims: (type?.tensor?.shape?.dims ?? []).map(dimOf),
});

/** What a caller must feed: the graph inputs that are no initializers. */
export function graphInputs(model: Model): ValueMeta[] {
  const given = new Set(model.graph.initializers.map((t) => t.name));
  return model.graph.inputs.filter((input) => !given.has(input.name)).map(valueMeta);
}
