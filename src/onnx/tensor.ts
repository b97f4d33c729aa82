import type { Tensor } from '../ir/model.js';
import { decode } from '../protobuf/decode.js';
import { TENSOR } from './schema.js';

/**
 * Reads one serialized TensorProto, as the `test_data_set_*` folders of ONNX hold. Its bytes are views of `bytes`.
 * @throws QuantizeError MODEL_TRUNCATED, MODEL_MALFORMED (invalid), naming `file`
 */
export const decodeTensor = (bytes: Uint8Array, file?: string): Tensor => decode<Tensor>(TENSOR, bytes, file);
