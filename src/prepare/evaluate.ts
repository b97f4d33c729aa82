import { QuantizeError } from '../errors.js';
import { type Dtype, dtypeNumber, packedBytes } from '../ir/dtypes.js';
import type { Graph, Model, Node, Tensor } from '../ir/model.js';
import { elementCount, makeTensor, tensorDtype } from '../ir/tensor.js';
import { openModel } from '../runtime/index.js';
import type { Session, TensorValue, ValueMeta } from '../runtime/types.js';
import { staticDims } from './probe.js';

/** A folded value may always be this large … */
const MAX_FREE_BYTES = 2 ** 20;
/** … or this many times the constants it is made of: 4 lets int8 → float32 and float16 → float32 casts through. */
const MAX_GROWTH = 4;
/** Intermediate results of folding above this are not computed at all; a file can ask for terabytes in a few bytes. */
const MAX_INTERMEDIATE_BYTES = 2 ** 30;

/** A graph and the constants that its nodes can read, its own and those of the graphs around it. */
export interface Scope {
  model: Model;
  graph: Graph;
  constants: ReadonlyMap<string, Tensor>;
}

export interface Evaluation {
  values: Tensor[];
  /** Nodes that must not be folded; when there are any, `values` is empty. */
  refused: Set<Node>;
}

const utf8 = new TextEncoder();

/** Computes the `wanted` values of constant nodes in one onnxruntime session. */
export async function evaluate(
  scope: Scope,
  nodes: ReadonlySet<Node>,
  wanted: string[],
): Promise<Evaluation> {
  const bare = constantModel(scope, nodes);
  const session = await open(bare);
  if (!session) return { values: [], refused: await unrunnable(scope, bare.graph.nodes) };
  try {
    const origin = originsOf(bare);
    const tooLarge = oversized(origin, session.outputs, new Set(wanted));
    if (tooLarge.size > 0) return { values: [], refused: tooLarge };
    const fetches = Object.fromEntries(wanted.map((name) => [name, null]));
    const results = wanted.length > 0 ? await session.run({}, fetches) : {};
    return collect(origin, wanted, results);
  } catch (error) {
    if (!(error instanceof QuantizeError)) throw error;
    return { values: [], refused: new Set(nodes) };
  } finally {
    await session.release();
  }
}

/** The constant nodes alone, every value an output so that its type and shape are known before anything runs. */
function constantModel({ model, constants }: Scope, nodes: Iterable<Node>): Model {
  const kept = [...nodes];
  const read = new Set(kept.flatMap((node) => node.inputs));
  const outputs = kept.flatMap((node) => node.outputs).filter((name) => name);
  return {
    ...model,
    functions: [],
    graph: {
      name: 'constants',
      nodes: kept,
      inputs: [],
      outputs: outputs.map((name) => ({ name })),
      valueInfo: [],
      initializers: [...read].flatMap((name) => constants.get(name) ?? []),
      sparseInitializers: [],
    },
  };
}

async function open(model: Model): Promise<Session | undefined> {
  try {
    return await openModel(model, { optimize: 'disabled', threads: 1 });
  } catch (error) {
    if (error instanceof QuantizeError) return undefined;
    throw error;
  }
}

/** The node that onnxruntime refuses: the last of the shortest beginning of the list that does not open. */
async function unrunnable(scope: Scope, nodes: Node[]): Promise<Set<Node>> {
  let opens = 0;
  let fails = nodes.length;
  while (fails - opens > 1) {
    const middle = (opens + fails) >> 1;
    const session = await open(constantModel(scope, nodes.slice(0, middle)));
    await session?.release();
    if (session) opens = middle;
    else fails = middle;
  }
  return new Set(nodes.slice(opens, fails));
}

/** Makers of values that are no dense tensors, too large to compute, or too large to keep. */
function oversized(origin: Origins, metas: ValueMeta[], wanted: ReadonlySet<string>): Set<Node> {
  const refused = new Set<Node>();
  for (const meta of metas) {
    const bytes = bytesOf(meta);
    const limit = wanted.has(meta.name) ? MAX_FREE_BYTES : MAX_INTERMEDIATE_BYTES;
    if (bytes !== undefined && bytes <= limit) continue;
    const allowed = bytes !== undefined && wanted.has(meta.name) && bytes <= allowance(origin, meta.name);
    if (!allowed) refused.add(origin.makers.get(meta.name)!);
  }
  return refused;
}

/** Bytes of a value of known shape; 0 when dims are open; undefined when it is not a tensor that we can read back. */
function bytesOf(meta: ValueMeta): number | undefined {
  if (!meta.dtype) return undefined;
  const dims = staticDims(meta);
  return dims ? packedBytes(meta.dtype, elementCount(dims)) : 0;
}

/** Who makes each value of the constant model, and the bytes of each initializer. */
interface Origins {
  makers: Map<string, Node>;
  sizes: Map<string, number>;
}

const originsOf = ({ graph }: Model): Origins => ({
  makers: new Map(graph.nodes.flatMap((n) => n.outputs.map((name) => [name, n] as const))),
  sizes: new Map(
    graph.initializers.map((t) => [t.name ?? '', packedBytes(tensorDtype(t), elementCount(t.dims))]),
  ),
});

/** Bytes that a folded value may take: MAX_FREE_BYTES, or MAX_GROWTH times the initializers it is made of. */
function allowance({ makers, sizes }: Origins, value: string): number {
  const seen = new Set<string>();
  const pending = [value];
  let bytes = 0;
  for (let name = pending.pop(); name !== undefined; name = pending.pop()) {
    if (seen.has(name)) continue;
    seen.add(name);
    bytes += sizes.get(name) ?? 0;
    pending.push(...(makers.get(name)?.inputs ?? []));
  }
  return Math.max(MAX_FREE_BYTES, bytes * MAX_GROWTH);
}

function collect(origin: Origins, wanted: string[], results: Record<string, TensorValue>): Evaluation {
  const values = wanted.map((name) => toTensor(name, results[name]));
  const tooLarge = values.filter((t) => {
    const size = t.rawData?.byteLength ?? 0;
    return size > MAX_FREE_BYTES && size > allowance(origin, t.name!);
  });
  const refused = new Set(tooLarge.map((t) => origin.makers.get(t.name!)!));
  return refused.size > 0 ? { values: [], refused } : { values, refused };
}

function toTensor(name: string, value: TensorValue): Tensor {
  const { data, dims, dtype } = value;
  if (!Array.isArray(data)) return makeTensor(name, dtype as Dtype, dims, data);
  return {
    name,
    dims,
    dataType: dtypeNumber('string'),
    stringData: data.map((s) => utf8.encode(s)),
    externalData: [],
    metadata: [],
  };
}
