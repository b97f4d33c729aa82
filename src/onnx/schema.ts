import type * as ir from '../ir/model.js';
import { define, type Schema } from '../protobuf/schema.js';

/**
 * The ONNX messages that this tool opens. Numbers and packing follow onnx/onnx.proto, in ascending order, so an
 * untouched model encodes to the bytes that ONNX's own libraries write. Everything that is not listed here (training
 * information, quantization annotations, sequence types, …) survives as raw bytes.
 */
const STRING_ENTRY = define<ir.StringEntry>('StringStringEntryProto', [
  [1, 'key', 'string'],
  [2, 'value', 'string'],
]);

const OPSET_IMPORT = define<ir.OpsetImport>('OperatorSetIdProto', [
  [1, 'domain', 'string'],
  [2, 'version', 'int'],
]);

const DIM = define<ir.Dim>('Dimension', [
  [1, 'value', 'int', undefined, 'param'],
  [2, 'param', 'string', undefined, 'value'],
  [3, 'denotation', 'string'],
]);

const SHAPE = define<ir.Shape>('TensorShapeProto', [[1, 'dims', 'messages', () => DIM]]);

const TENSOR_TYPE = define<ir.TensorType>('TypeProto.Tensor', [
  [1, 'elemType', 'int'],
  [2, 'shape', 'message', () => SHAPE],
]);

const TYPE = define<ir.TypeInfo>('TypeProto', [
  [1, 'tensor', 'message', () => TENSOR_TYPE],
  [6, 'denotation', 'string'],
]);

const VALUE_INFO = define<ir.ValueInfo>('ValueInfoProto', [
  [1, 'name', 'name'],
  [2, 'type', 'message', () => TYPE],
  [3, 'docString', 'string'],
]);

export const TENSOR = define<ir.Tensor>(
  'TensorProto',
  [
    [1, 'dims', 'ints'],
    [2, 'dataType', 'int'],
    [4, 'floatData', 'floatBytes'],
    [5, 'int32Data', 'int32Array'],
    [6, 'stringData', 'bytesList'],
    [7, 'int64Data', 'int64Array'],
    [8, 'name', 'string'],
    [9, 'rawData', 'bytes'],
    [10, 'doubleData', 'doubleBytes'],
    [11, 'uint64Data', 'uint64Array'],
    [12, 'docString', 'string'],
    [13, 'externalData', 'messages', () => STRING_ENTRY],
    [14, 'dataLocation', 'int'],
    [16, 'metadata', 'messages', () => STRING_ENTRY],
  ],
  ['stringData'],
);

const SPARSE_TENSOR = define<ir.SparseTensor>('SparseTensorProto', [
  [1, 'values', 'message', () => TENSOR],
  [2, 'indices', 'message', () => TENSOR],
  [3, 'dims', 'ints'],
]);

const ATTRIBUTE = define<ir.Attribute>('AttributeProto', [
  [1, 'name', 'name'],
  [2, 'f', 'float'],
  [3, 'i', 'bigint'],
  [4, 's', 'bytes'],
  [5, 't', 'message', () => TENSOR],
  [6, 'g', 'message', () => GRAPH],
  [7, 'floats', 'floats'],
  [8, 'ints', 'bigints'],
  [9, 'strings', 'bytesList'],
  [10, 'tensors', 'messages', () => TENSOR],
  [11, 'graphs', 'messages', () => GRAPH],
  [13, 'docString', 'string'],
  [14, 'tp', 'message', () => TYPE],
  [15, 'typeProtos', 'messages', () => TYPE],
  [20, 'type', 'int'],
  [21, 'refAttrName', 'string'],
  [22, 'sparseTensor', 'message', () => SPARSE_TENSOR],
  [23, 'sparseTensors', 'messages', () => SPARSE_TENSOR],
]);

const NODE = define<ir.Node>('NodeProto', [
  [1, 'inputs', 'strings'],
  [2, 'outputs', 'strings'],
  [3, 'name', 'string'],
  [4, 'opType', 'name'],
  [5, 'attributes', 'messages', () => ATTRIBUTE],
  [6, 'docString', 'string'],
  [7, 'domain', 'string'],
  [8, 'overload', 'string'],
]);

const GRAPH: Schema = define<ir.Graph>('GraphProto', [
  [1, 'nodes', 'messages', () => NODE],
  [2, 'name', 'string'],
  [5, 'initializers', 'messages', () => TENSOR],
  [10, 'docString', 'string'],
  [11, 'inputs', 'messages', () => VALUE_INFO],
  [12, 'outputs', 'messages', () => VALUE_INFO],
  [13, 'valueInfo', 'messages', () => VALUE_INFO],
  [15, 'sparseInitializers', 'messages', () => SPARSE_TENSOR],
]);

const FUNCTION = define<ir.FunctionDef>('FunctionProto', [
  [1, 'name', 'string'],
  [4, 'inputs', 'strings'],
  [5, 'outputs', 'strings'],
  [6, 'attributes', 'strings'],
  [7, 'nodes', 'messages', () => NODE],
  [8, 'docString', 'string'],
  [9, 'opsetImports', 'messages', () => OPSET_IMPORT],
  [10, 'domain', 'string'],
  [11, 'attributeDefaults', 'messages', () => ATTRIBUTE],
  [12, 'valueInfo', 'messages', () => VALUE_INFO],
  [13, 'overload', 'string'],
]);

export const MODEL = define<ir.Model>('ModelProto', [
  [1, 'irVersion', 'int'],
  [2, 'producerName', 'string'],
  [3, 'producerVersion', 'string'],
  [4, 'domain', 'string'],
  [5, 'modelVersion', 'bigint'],
  [6, 'docString', 'string'],
  [7, 'graph', 'message', () => GRAPH],
  [8, 'opsetImports', 'messages', () => OPSET_IMPORT],
  [14, 'metadata', 'messages', () => STRING_ENTRY],
  [25, 'functions', 'messages', () => FUNCTION],
]);
