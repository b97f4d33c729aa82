import { define, type Schema } from '../../protobuf/schema.js';

/**
 * The messages of a frozen SavedModel: saved_model.proto, meta_graph.proto, graph.proto, node_def.proto, tensor.proto and
 * attr_value.proto of tensorflow/core (proto3). A map is a list of entries, as on the wire.
 */
export interface Entry<T> {
  key?: string;
  value?: T;
}

export interface ShapeMessage {
  dims: { size?: number }[];
}

export interface TensorMessage {
  dtype?: number;
  shape?: ShapeMessage;
  content?: Uint8Array;
}

export interface ListMessage {
  strings: Uint8Array[];
  types: number[];
  shapes: ShapeMessage[];
}

/** One of the members is set. */
export interface AttributeMessage {
  list?: ListMessage;
  string?: Uint8Array;
  int?: number;
  bool?: number;
  type?: number;
  shape?: ShapeMessage;
  tensor?: TensorMessage;
}

export interface NodeMessage {
  name: string;
  op: string;
  inputs: string[];
  attributes: Entry<AttributeMessage>[];
}

export interface TensorInfoMessage {
  name?: string;
  dtype?: number;
  shape?: ShapeMessage;
}

export interface SignatureMessage {
  inputs: Entry<TensorInfoMessage>[];
  outputs: Entry<TensorInfoMessage>[];
  method?: string;
}

export interface MetaGraphMessage {
  info?: { tags: string[] };
  graph?: { nodes: NodeMessage[]; versions?: { producer?: number } };
  signatures: Entry<SignatureMessage>[];
}

export interface SavedModelMessage {
  schemaVersion?: number;
  metaGraphs: MetaGraphMessage[];
}

const entry = (name: string, value: () => Schema): Schema =>
  define<Entry<unknown>>(name, [
    [1, 'key', 'string'],
    [2, 'value', 'message', value],
  ]);

const DIM = define<{ size?: number }>('Dim', [[1, 'size', 'int']]);
const SHAPE = define<ShapeMessage>('TensorShapeProto', [[2, 'dims', 'messages', () => DIM]]);
const TENSOR = define<TensorMessage>('TensorProto', [
  [1, 'dtype', 'int'],
  [2, 'shape', 'message', () => SHAPE],
  [4, 'content', 'bytes'],
]);
const LIST = define<ListMessage>('ListValue', [
  [2, 'strings', 'bytesList'],
  [6, 'types', 'ints'],
  [7, 'shapes', 'messages', () => SHAPE],
]);
const ATTRIBUTE = define<AttributeMessage>('AttrValue', [
  [1, 'list', 'message', () => LIST],
  [2, 'string', 'bytes'],
  [3, 'int', 'int'],
  [5, 'bool', 'int'],
  [6, 'type', 'int'],
  [7, 'shape', 'message', () => SHAPE],
  [8, 'tensor', 'message', () => TENSOR],
]);
const ATTRIBUTES = entry('AttrEntry', () => ATTRIBUTE);
const NODE = define<NodeMessage>('NodeDef', [
  [1, 'name', 'name'],
  [2, 'op', 'name'],
  [3, 'inputs', 'strings'],
  [5, 'attributes', 'messages', () => ATTRIBUTES],
]);
const VERSIONS = define<{ producer?: number }>('VersionDef', [[1, 'producer', 'int']]);
const GRAPH = define<NonNullable<MetaGraphMessage['graph']>>('GraphDef', [
  [1, 'nodes', 'messages', () => NODE],
  [4, 'versions', 'message', () => VERSIONS],
]);
const INFO = define<{ tags: string[] }>('MetaInfoDef', [[4, 'tags', 'strings']]);
const TENSOR_INFO = define<TensorInfoMessage>('TensorInfo', [
  [1, 'name', 'string'],
  [2, 'dtype', 'int'],
  [3, 'shape', 'message', () => SHAPE],
]);
const TENSOR_INFOS = entry('TensorInfoEntry', () => TENSOR_INFO);
const SIGNATURE = define<SignatureMessage>('SignatureDef', [
  [1, 'inputs', 'messages', () => TENSOR_INFOS],
  [2, 'outputs', 'messages', () => TENSOR_INFOS],
  [3, 'method', 'string'],
]);
const SIGNATURES = entry('SignatureEntry', () => SIGNATURE);
const META_GRAPH = define<MetaGraphMessage>('MetaGraphDef', [
  [1, 'info', 'message', () => INFO],
  [2, 'graph', 'message', () => GRAPH],
  [5, 'signatures', 'messages', () => SIGNATURES],
]);

export const SAVED_MODEL = define<SavedModelMessage>('SavedModel', [
  [1, 'schemaVersion', 'int'],
  [2, 'metaGraphs', 'messages', () => META_GRAPH],
]);
