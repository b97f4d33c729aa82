import { QuantizeError } from '../errors.js';
import { type Dtype, dtypeNumber, packedBytes } from '../ir/dtypes.js';
import type { Model, Node, Tensor } from '../ir/model.js';
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

export interface Evaluation {
  values: Tensor[];
  /** Nodes that must not be folded; when there are any, `values` is empty. */
  refused: Set<Node>;
}

const utf8 = new TextEncoder();

/** Computes the `wanted` values of constant nodes in one onnxruntime session. */
export async function evaluate(
  model: Model,
  nodes: ReadonlySet<Node>,
  wanted: string[],
): Promise<Evaluation> {
  const bare = constantModel(model, nodes);
  const session = await open(bare);
  if (!session) return { values: [], refused: await unrunnable(bare) };
  try {
    const tooLarge = oversized(bare, session.outputs, wanted);
    if (tooLarge.size > 0) return { values: [], refused: tooLarge };
    const fetches = Object.fromEntries(wanted.map((name) => [name, null]));
    const results = wanted.length > 0 ? await session.run({}, fetches) : {};
    return collect(bare, wanted, results);
  } catch (error) {
    if (!(error instanceof QuantizeError)) throw error;
    return { values: [], refused: new Set(nodes) };
  } finally {
    await session.release();
  }
}

/** The constant nodes alone, every value an output so that its type and shape are known before anything runs. */
function constantModel(model: Model, nodes: ReadonlySet<Node>): Model {
  const read = new Set([...nodes].flatMap((node) => node.inputs));
  const outputs = [...nodes].flatMap((node) => node.outputs).filter((name) => name);
  return {
    ...model,
    functions: [],
    graph: {
      name: 'constants',
      nodes: [...nodes],
      inputs: [],
      outputs: outputs.map((name) => ({ name })),
      valueInfo: [],
      initializers: model.graph.initializers.filter((t) => read.has(t.name ?? '')),
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
async function unrunnable(model: Model): Promise<Set<Node>> {
  const { nodes } = model.graph;
  let opens = 0;
  let fails = nodes.length;
  while (fails - opens > 1) {
    const middle = (opens + fails) >> 1;
    const session = await open(constantModel(model, new Set(nodes.slice(0, middle))));
    await session?.release();
    if (session) opens = middle;
    else fails = middle;
  }
  return new Set(nodes.slice(opens, fails));
}

/** Makers of values that are no dense tensors, too large to compute, or too large to keep. */
function oversized(model: Model, metas: ValueMeta[], wanted: string[]): Set<Node> {
  const refused = new Set<Node>();
  for (const node of model.graph.nodes)
    for (const meta of metas.filter((m) => node.outputs.includes(m.name))) {
      const bytes = bytesOf(meta);
      const limit = wanted.includes(meta.name) ? allowance(model, meta.name) : MAX_INTERMEDIATE_BYTES;
      if (bytes === undefined || bytes > limit) refused.add(node);
    }
  return refused;
}

/** Bytes of a value of known shape; 0 when dims are open; undefined when it is not a tensor that we can read back. */
function bytesOf(meta: ValueMeta): number | undefined {
  if (!meta.dtype) return undefined;
  const dims = staticDims(meta);
  return dims ? packedBytes(meta.dtype, elementCount(dims)) : 0;
}

/** Bytes that a folded value may take: MAX_FREE_BYTES, or MAX_GROWTH times the initializers it is made of. */
function allowance(model: Model, value: string): number {
  const sizes = new Map(
    model.graph.initializers.map((t) => [t.name ?? '', packedBytes(tensorDtype(t), elementCount(t.dims))]),
  );
  const makers = new Map(model.graph.nodes.flatMap((n) => n.outputs.map((name) => [name, n] as const)));
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

function collect(model: Model, wanted: string[], results: Record<string, TensorValue>): Evaluation {
  const refused = new Set<Node>();
  const values = wanted.map((name) => toTensor(name, results[name]));
  for (const [i, name] of wanted.entries()) {
    const size = values[i].rawData?.byteLength ?? 0;
    if (size > allowance(model, name))
      refused.add(model.graph.nodes.find((node) => node.outputs.includes(name))!);
  }
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
