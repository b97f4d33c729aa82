/**
 * The graph that every stage works on: ONNX's own messages as plain objects, under the names of the field.
 * An edge is a value's name, which ONNX makes unique in its scope; `links` (graph.ts) gives producers and uses.
 * `unknown` holds the wire bytes of fields this build does not know, so that they survive load → save.
 * An absent optional field is `undefined`, which is not the same as zero or "".
 */
export interface Message {
  unknown?: Uint8Array[];
}

export interface Model extends Message {
  irVersion?: number;
  producerName?: string;
  producerVersion?: string;
  domain?: string;
  modelVersion?: bigint;
  docString?: string;
  graph: Graph;
  opsetImports: OpsetImport[];
  metadata: StringEntry[];
  functions: FunctionDef[];
}

/** `domain` "" and "ai.onnx" are the same domain. */
export interface OpsetImport extends Message {
  domain?: string;
  version?: number;
}

export interface StringEntry extends Message {
  key?: string;
  value?: string;
}

export interface Graph extends Message {
  name?: string;
  docString?: string;
  nodes: Node[];
  inputs: ValueInfo[];
  outputs: ValueInfo[];
  /** Types that the file states for intermediate values; may be absent or incomplete. */
  valueInfo: ValueInfo[];
  initializers: Tensor[];
  sparseInitializers: SparseTensor[];
}

export interface Node extends Message {
  name?: string;
  opType: string;
  domain?: string;
  /** Overload id of a model-local function. */
  overload?: string;
  docString?: string;
  /** Value names; "" marks an omitted optional input or output. */
  inputs: string[];
  outputs: string[];
  attributes: Attribute[];
}

export interface Attribute extends Message {
  name: string;
  /** AttributeProto.AttributeType; see ATTRIBUTE_TYPES. */
  type?: number;
  /** Inside a function: the name of the function's attribute that gives the value. */
  refAttrName?: string;
  f?: number;
  i?: bigint;
  s?: Uint8Array;
  t?: Tensor;
  g?: Graph;
  sparseTensor?: SparseTensor;
  tp?: TypeInfo;
  floats: number[];
  ints: bigint[];
  strings: Uint8Array[];
  tensors: Tensor[];
  graphs: Graph[];
  sparseTensors: SparseTensor[];
  typeProtos: TypeInfo[];
  docString?: string;
}

export const ATTRIBUTE_TYPES = {
  float: 1,
  int: 2,
  string: 3,
  tensor: 4,
  graph: 5,
  floats: 6,
  ints: 7,
  strings: 8,
  tensors: 9,
  graphs: 10,
  sparseTensor: 11,
  sparseTensors: 12,
  typeProto: 13,
  typeProtos: 14,
} as const;

/**
 * A constant. Exactly one storage field is used. `rawData` and the packed float fields are views of the file's
 * bytes, little-endian, possibly unaligned: read values through tensor.ts, never directly.
 */
export interface Tensor extends Message {
  name?: string;
  dims: number[];
  /** ONNX data-type number; see dtypes.ts. */
  dataType?: number;
  rawData?: Uint8Array;
  /** float32 (also complex64) values as little-endian bytes. */
  floatData?: Uint8Array;
  /** float64 (also complex128) values as little-endian bytes. */
  doubleData?: Uint8Array;
  /** int32 and everything narrower, including float16 bits and packed 4-bit bytes. */
  int32Data?: Int32Array;
  int64Data?: BigInt64Array;
  /** uint32 and uint64. */
  uint64Data?: BigUint64Array;
  stringData?: Uint8Array[];
  docString?: string;
  /** 1 = EXTERNAL. */
  dataLocation?: number;
  externalData: StringEntry[];
  metadata: StringEntry[];
  /** Set by the loader for external tensors: reads the bytes when they are needed. */
  external?: ExternalBytes;
}

export interface ExternalBytes {
  file: string;
  offset: number;
  length: number;
  /** The data file is not there, and whoever loaded the model said that shapes do: `read` throws. */
  absent?: true;
  read(): Uint8Array;
}

export interface SparseTensor extends Message {
  values?: Tensor;
  indices?: Tensor;
  dims: number[];
}

export interface ValueInfo extends Message {
  name: string;
  type?: TypeInfo;
  docString?: string;
}

/** Only tensor types are opened up; sequence, map, optional and sparse types stay in `unknown`, unharmed. */
export interface TypeInfo extends Message {
  tensor?: TensorType;
  denotation?: string;
}

export interface TensorType extends Message {
  elemType?: number;
  /** Absent: rank unknown. */
  shape?: Shape;
}

export interface Shape extends Message {
  dims: Dim[];
}

/** A fixed size, a name, or neither (unknown). */
export interface Dim extends Message {
  value?: number;
  param?: string;
  denotation?: string;
}

export interface FunctionDef extends Message {
  name?: string;
  domain?: string;
  overload?: string;
  docString?: string;
  inputs: string[];
  outputs: string[];
  /** Names of attributes without a default. */
  attributes: string[];
  attributeDefaults: Attribute[];
  nodes: Node[];
  opsetImports: OpsetImport[];
  valueInfo: ValueInfo[];
}
