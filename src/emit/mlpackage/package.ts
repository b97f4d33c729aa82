import { createHash } from 'node:crypto';
import type { Chunk } from '../../protobuf/encode.js';
import { encode } from '../../protobuf/encode.js';
import { BlobWriter } from './blob.js';
import { colorSpace } from './image.js';
import type { Lowered, Port } from './lower.js';
import type { MilType, Var } from './program.js';
import { type FeatureMessage, MODEL, type ModelMessage } from './schema.js';
import { programMessage, RELEASES } from './write.js';

/** A file of a package: its path inside, and its bytes in pieces. */
export interface PackageFile {
  path: string;
  chunks: Uint8Array[];
}

const MODEL_FILE = 'com.apple.CoreML/model.mlmodel';
const WEIGHTS_FOLDER = 'com.apple.CoreML/weights';
/** Where the names and types of the ONNX model's interface are kept for reading back. */
export const INTERFACE_KEY = 'onnx-quantize.interface';

/** MultiArray's own numbering of element types. */
const ARRAY_TYPES: Partial<Record<MilType, number>> = { fp16: 65552, fp32: 65568, int32: 131104 };

/** The files of a .mlpackage: the same program gives the same bytes. */
export function packageFiles(lowered: Lowered): PackageFile[] {
  const blobs = new BlobWriter();
  const mlProgram = programMessage(lowered.program, blobs);
  const { program, inputs, outputs } = lowered;
  const message: ModelMessage = {
    specificationVersion: RELEASES[program.ios].specification,
    description: {
      inputs: inputs.map((port, i) => feature(port, program.inputs[i])),
      outputs: outputs.map((port, i) => feature(port, program.outputs[i])),
      metadata: {
        author: 'onnx-quantize',
        userDefined: [{ key: INTERFACE_KEY, value: JSON.stringify({ inputs, outputs }) }],
      },
    },
    mlProgram,
  };
  const model = encode(MODEL, message).chunks.map(inMemory);
  const weights = blobs.finish();
  const files = [{ path: `Data/${MODEL_FILE}`, chunks: model }];
  if (weights) files.push({ path: `Data/${WEIGHTS_FOLDER}/weight.bin`, chunks: weights });
  return [{ path: 'Manifest.json', chunks: [manifest(files)] }, ...files];
}

/** Nothing in these messages is lazy. */
const inMemory = (chunk: Chunk): Uint8Array => (chunk instanceof Uint8Array ? chunk : chunk.read());

function feature(port: Port, { name, dtype, dims }: Var): FeatureMessage {
  const shortDescription = port.name === name ? undefined : port.name;
  if (port.image) {
    const [, channels, height, width] = dims;
    return {
      name,
      shortDescription,
      type: { imageType: { width, height, colorSpace: colorSpace(channels, port.image) } },
    };
  }
  const shape = BigInt64Array.from(dims.map(BigInt));
  return { name, shortDescription, type: { multiArrayType: { shape, dataType: ARRAY_TYPES[dtype] } } };
}

/** Identifiers come from the content, so that a package is the same from run to run. */
function manifest(files: PackageFile[]): Uint8Array {
  const hash = createHash('sha256');
  for (const { chunks } of files) for (const chunk of chunks) hash.update(chunk);
  const content = hash.digest('hex');
  const item = (name: string, path: string, description: string) =>
    [identifier(`${content} ${path}`), { author: 'com.apple.CoreML', description, name, path }] as const;
  const model = item('model.mlmodel', MODEL_FILE, 'CoreML Model Specification');
  const items = [model];
  if (files.length > 1) items.push(item('weights', WEIGHTS_FOLDER, 'CoreML Model Weights'));
  const text = JSON.stringify(
    { fileFormatVersion: '1.0.0', itemInfoEntries: Object.fromEntries(items), rootModelIdentifier: model[0] },
    null,
    4,
  );
  return Buffer.from(`${text}\n`);
}

/** A UUID of version 8 (made from a hash, RFC 9562), in capitals as Xcode writes them. */
function identifier(seed: string): string {
  const hex = createHash('sha256').update(seed).digest('hex').toUpperCase();
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-8${hex.slice(13, 16)}-A${hex.slice(17, 20)}-${hex.slice(20, 32)}`;
}
