import type { Lowered, Port } from './lower.js';
import { HLO_TYPES, hloTypeOf, type Value } from './program.js';
import type { AttributeMessage, Entry, NodeMessage, SavedModelMessage, ShapeMessage } from './schema.js';

/** What the module is compiled for. A TPU refuses a CPU's, and the other way round. */
export type Platform = 'TPU' | 'CPU';

/** Serialized modules that TensorFlow 2.13 and later take (xla_call_module_op.cc). */
const CALL_VERSION = 9;
/** Version of graph semantics (tensorflow/core/public/version.h). */
const PRODUCER = 1482;
const CALL = 'module';

const utf8 = new TextEncoder();
const shape = (dims: readonly number[]): ShapeMessage => ({
  dims: dims.map((size) => ({ size: Math.max(size, -1) })),
});
const code = (dtype: Port['dtype']): number => HLO_TYPES[hloTypeOf(dtype)!].tensorflow;
const list = (part: Partial<NonNullable<AttributeMessage['list']>> = {}): AttributeMessage => ({
  list: { strings: [], types: [], shapes: [], ...part },
});

/**
 * A frozen graph: placeholders and constants feed one XlaCallModule, whose results are the outputs of the signature
 * "serving_default". Weights are constants of the graph, so the module's text holds none.
 */
export function savedModel(
  { program, inputs, outputs }: Lowered,
  module: string,
  platform: Platform,
): SavedModelMessage {
  const inputNames = portNames(inputs, 'input');
  const outputNames = portNames(outputs, 'output');
  const weights = program.weights.map((_, i) => `weight_${i}`);
  const nodes: NodeMessage[] = [
    ...inputs.map((port, i) => placeholder(inputNames[i], port)),
    ...program.weights.map((w, i) => constant(weights[i], w.value, w.bytes)),
    call(
      program.outputs,
      [...program.inputs, ...program.weights.map((w) => w.value)],
      [...inputNames, ...weights],
      module,
      platform,
    ),
    ...outputs.map((port, i) => identity(outputNames[i], port, i)),
  ];
  const infos = (ports: readonly Port[], names: readonly string[]) =>
    ports.map((port, i) => ({
      key: signatureName(port.name),
      value: { name: `${names[i]}:0`, dtype: code(port.dtype), shape: shape(port.dims) },
    }));
  const signature = {
    inputs: infos(inputs, inputNames),
    outputs: infos(outputs, outputNames),
    method: 'tensorflow/serving/predict',
  };
  const metaGraph = {
    info: { tags: ['serve'] },
    graph: { nodes, versions: { producer: PRODUCER } },
    signatures: [{ key: 'serving_default', value: signature }],
  };
  return { schemaVersion: 1, metaGraphs: [metaGraph] };
}

/** Signatures are called with keyword arguments, so their names are Python's. */
export const signatureName = (name: string): string =>
  name.replaceAll(/[^A-Za-z0-9_]/g, '_').replace(/^(?=[^A-Za-z])/, 'v_');

const portNames = (ports: readonly Port[], kind: string): string[] => ports.map((_, i) => `${kind}_${i}`);

const node = (
  name: string,
  op: string,
  inputs: string[],
  attributes: Record<string, AttributeMessage>,
): NodeMessage => ({
  name,
  op,
  inputs,
  attributes: Object.entries(attributes).map(([key, value]): Entry<AttributeMessage> => ({ key, value })),
});

const placeholder = (name: string, { dtype, dims }: Port): NodeMessage =>
  node(name, 'Placeholder', [], { dtype: { type: code(dtype) }, shape: { shape: shape(dims) } });

const constant = (name: string, { dtype, dims }: Value, content: Uint8Array): NodeMessage => {
  const type = HLO_TYPES[dtype].tensorflow;
  return node(name, 'Const', [], {
    dtype: { type },
    value: { tensor: { dtype: type, shape: shape(dims), content } },
  });
};

const identity = (name: string, { dtype }: Port, i: number): NodeMessage =>
  node(name, 'Identity', [i === 0 ? CALL : `${CALL}:${i}`], { T: { type: code(dtype) } });

function call(
  results: readonly Value[],
  operands: readonly Value[],
  inputs: string[],
  module: string,
  platform: Platform,
): NodeMessage {
  const types = (values: readonly Value[]) => values.map((v) => HLO_TYPES[v.dtype].tensorflow);
  return node(CALL, 'XlaCallModule', inputs, {
    version: { int: CALL_VERSION },
    module: { string: utf8.encode(module) },
    Sout: list({ shapes: results.map((v) => shape(v.dims)) }),
    Tout: list({ types: types(results) }),
    Tin: list({ types: types(operands) }),
    dim_args_spec: list(),
    platforms: list({ strings: [utf8.encode(platform)] }),
    function_list: list(),
    has_token_input_output: { bool: 0 },
    disabled_checks: list(),
  });
}
