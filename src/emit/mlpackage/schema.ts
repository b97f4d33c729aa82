import { define, type Schema } from '../../protobuf/schema.js';

/**
 * The messages of a Core ML model that an ML Program needs: mlmodel/format/Model.proto, FeatureTypes.proto and
 * MIL.proto of apple/coremltools (proto3). A map is a list of entries, as on the wire.
 */
export interface Entry<T> {
  key?: string;
  value?: T;
}

export interface TensorTypeMessage {
  dataType?: number;
  rank?: number;
  dimensions: { constant?: { size?: number } }[];
}

export interface ValueTypeMessage {
  tensorType?: TensorTypeMessage;
}

/** One of the lists is set. */
export interface TensorValueMessage {
  floats?: { values?: Uint8Array };
  ints?: { values?: Int32Array };
  bools?: { values?: Int32Array };
  strings?: { values: string[] };
  bytes?: { values?: Uint8Array };
}

export interface ValueMessage {
  type?: ValueTypeMessage;
  immediateValue?: { tensor?: TensorValueMessage };
  blobFileValue?: { fileName?: string; offset?: number };
}

export interface NamedTypeMessage {
  name: string;
  type?: ValueTypeMessage;
}

export interface BindingMessage {
  name?: string;
  value?: ValueMessage;
}

export interface OperationMessage {
  type: string;
  inputs: Entry<{ arguments: BindingMessage[] }>[];
  outputs: NamedTypeMessage[];
  attributes: Entry<ValueMessage>[];
}

export interface BlockMessage {
  outputs: string[];
  operations: OperationMessage[];
}

export interface FunctionMessage {
  inputs: NamedTypeMessage[];
  opset: string;
  blocks: Entry<BlockMessage>[];
}

export interface ProgramMessage {
  version?: number;
  functions: Entry<FunctionMessage>[];
}

export interface FeatureTypeMessage {
  imageType?: { width?: number; height?: number; colorSpace?: number };
  multiArrayType?: { shape?: BigInt64Array; dataType?: number };
}

export interface FeatureMessage {
  name: string;
  shortDescription?: string;
  type?: FeatureTypeMessage;
}

export interface ModelMessage {
  specificationVersion?: number;
  description?: {
    inputs: FeatureMessage[];
    outputs: FeatureMessage[];
    metadata?: { shortDescription?: string; author?: string; userDefined: Entry<string>[] };
  };
  mlProgram?: ProgramMessage;
}

const values = (name: string, kind: 'floatBytes' | 'int32Array' | 'strings' | 'bytes') =>
  define<{ values: unknown }>(name, [[1, 'values', kind]]);

const FLOATS = values('RepeatedFloats', 'floatBytes');
const INTS = values('RepeatedInts', 'int32Array');
const BOOLS = values('RepeatedBools', 'int32Array');
const STRINGS = values('RepeatedStrings', 'strings');
const BYTES = values('RepeatedBytes', 'bytes');

const TENSOR_VALUE = define<TensorValueMessage>('TensorValue', [
  [1, 'floats', 'message', () => FLOATS],
  [2, 'ints', 'message', () => INTS],
  [3, 'bools', 'message', () => BOOLS],
  [4, 'strings', 'message', () => STRINGS],
  [7, 'bytes', 'message', () => BYTES],
]);

const CONSTANT_DIMENSION = define<{ size?: number }>('ConstantDimension', [[1, 'size', 'int']]);
const DIMENSION = define<{ constant?: unknown }>('Dimension', [
  [1, 'constant', 'message', () => CONSTANT_DIMENSION],
]);
const TENSOR_TYPE = define<TensorTypeMessage>('TensorType', [
  [1, 'dataType', 'int'],
  [2, 'rank', 'int'],
  [3, 'dimensions', 'messages', () => DIMENSION],
]);
const VALUE_TYPE = define<ValueTypeMessage>('ValueType', [[1, 'tensorType', 'message', () => TENSOR_TYPE]]);
const IMMEDIATE = define<{ tensor?: unknown }>('ImmediateValue', [
  [1, 'tensor', 'message', () => TENSOR_VALUE],
]);
const BLOB = define<{ fileName?: string; offset?: number }>('BlobFileValue', [
  [1, 'fileName', 'string'],
  [2, 'offset', 'int'],
]);
const VALUE = define<ValueMessage>('Value', [
  [2, 'type', 'message', () => VALUE_TYPE],
  [3, 'immediateValue', 'message', () => IMMEDIATE],
  [5, 'blobFileValue', 'message', () => BLOB],
]);
const NAMED_TYPE = define<NamedTypeMessage>('NamedValueType', [
  [1, 'name', 'name'],
  [2, 'type', 'message', () => VALUE_TYPE],
]);
const BINDING = define<BindingMessage>('Binding', [
  [1, 'name', 'string'],
  [2, 'value', 'message', () => VALUE],
]);
const ARGUMENT = define<{ arguments: BindingMessage[] }>('Argument', [
  [1, 'arguments', 'messages', () => BINDING],
]);

const entry = (name: string, value: () => Schema): Schema =>
  define<Entry<unknown>>(name, [
    [1, 'key', 'string'],
    [2, 'value', 'message', value],
  ]);

const ARGUMENTS = entry('InputsEntry', () => ARGUMENT);
const ATTRIBUTES = entry('AttributesEntry', () => VALUE);
const OPERATION = define<OperationMessage>('Operation', [
  [1, 'type', 'name'],
  [2, 'inputs', 'messages', () => ARGUMENTS],
  [3, 'outputs', 'messages', () => NAMED_TYPE],
  [5, 'attributes', 'messages', () => ATTRIBUTES],
]);
const BLOCK = define<BlockMessage>('Block', [
  [2, 'outputs', 'strings'],
  [3, 'operations', 'messages', () => OPERATION],
]);
const BLOCKS = entry('BlockSpecializationsEntry', () => BLOCK);
const FUNCTION = define<FunctionMessage>('Function', [
  [1, 'inputs', 'messages', () => NAMED_TYPE],
  [2, 'opset', 'name'],
  [3, 'blocks', 'messages', () => BLOCKS],
]);
const FUNCTIONS = entry('FunctionsEntry', () => FUNCTION);
const PROGRAM = define<ProgramMessage>('Program', [
  [1, 'version', 'int'],
  [2, 'functions', 'messages', () => FUNCTIONS],
]);

const IMAGE_TYPE = define<{ width?: number; height?: number; colorSpace?: number }>('ImageFeatureType', [
  [1, 'width', 'int'],
  [2, 'height', 'int'],
  [3, 'colorSpace', 'int'],
]);
const ARRAY_TYPE = define<{ shape?: BigInt64Array; dataType?: number }>('ArrayFeatureType', [
  [1, 'shape', 'int64Array'],
  [2, 'dataType', 'int'],
]);
const FEATURE_TYPE = define<FeatureTypeMessage>('FeatureType', [
  [4, 'imageType', 'message', () => IMAGE_TYPE],
  [5, 'multiArrayType', 'message', () => ARRAY_TYPE],
]);
const FEATURE = define<FeatureMessage>('FeatureDescription', [
  [1, 'name', 'name'],
  [2, 'shortDescription', 'string'],
  [3, 'type', 'message', () => FEATURE_TYPE],
]);
const TEXT_ENTRY = define<Entry<string>>('UserDefinedEntry', [
  [1, 'key', 'string'],
  [2, 'value', 'string'],
]);
const METADATA = define<NonNullable<NonNullable<ModelMessage['description']>['metadata']>>('Metadata', [
  [1, 'shortDescription', 'string'],
  [3, 'author', 'string'],
  [100, 'userDefined', 'messages', () => TEXT_ENTRY],
]);
const DESCRIPTION = define<NonNullable<ModelMessage['description']>>('ModelDescription', [
  [1, 'inputs', 'messages', () => FEATURE],
  [10, 'outputs', 'messages', () => FEATURE],
  [100, 'metadata', 'message', () => METADATA],
]);

export const MODEL = define<ModelMessage>('Model', [
  [1, 'specificationVersion', 'int'],
  [2, 'description', 'message', () => DESCRIPTION],
  [502, 'mlProgram', 'message', () => PROGRAM],
]);
