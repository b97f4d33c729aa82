import { type Chunk, encode } from '../../protobuf/encode.js';
import type { PackageFile } from '../mlpackage/package.js';
import { encodeSafetensors } from '../safetensors.js';
import { type Platform, savedModel, signatureName } from './graph.js';
import type { Lowered } from './lower.js';
import { HLO_TYPES } from './program.js';
import { SAVED_MODEL } from './schema.js';
import { moduleText } from './text.js';

/** Where things lie in a package. The twin has the same graph, compiled for the CPU, so that it can be checked there. */
export const FILES = {
  tpu: 'saved_model.pb',
  cpu: 'cpu/saved_model.pb',
  module: 'model.mlir',
  weights: 'weights.safetensors',
  interface: 'interface.json',
} as const;

/** The files of a package: the same program gives the same bytes. */
export function packageFiles(lowered: Lowered): PackageFile[] {
  const module = moduleText(lowered.program);
  const saved = (platform: Platform) =>
    encode(SAVED_MODEL, savedModel(lowered, module, platform)).chunks.map(inMemory);
  const text = (content: string) => [new TextEncoder().encode(content)];
  return [
    { path: FILES.tpu, chunks: saved('TPU') },
    { path: FILES.cpu, chunks: saved('CPU') },
    { path: FILES.module, chunks: text(module) },
    { path: FILES.weights, chunks: [weights(lowered)] },
    { path: FILES.interface, chunks: text(`${JSON.stringify(description(lowered), null, 2)}\n`) },
  ];
}

/** Nothing in these messages is lazy. */
const inMemory = (chunk: Chunk): Uint8Array => (chunk instanceof Uint8Array ? chunk : chunk.read());

/** Constants by name, in the order of the module's arguments behind the inputs. */
const weights = ({ program }: Lowered): Uint8Array =>
  encodeSafetensors(
    program.weights.map(({ name, value, bytes }) => ({
      name,
      dtype: HLO_TYPES[value.dtype].safetensors,
      shape: value.dims,
      data: bytes,
    })),
    { format: 'onnx-quantize', module: FILES.module },
  );

/** What main takes and gives, for who runs the module without TensorFlow. */
function description({ program, inputs, outputs }: Lowered) {
  const ports = (list: typeof inputs) =>
    list.map((p) => ({ ...p, dims: p.dims.map((d) => Math.max(d, -1)), signature: signatureName(p.name) }));
  return {
    module: FILES.module,
    function: 'main',
    inputs: ports(inputs),
    weights: program.weights.map(({ name }) => name),
    outputs: ports(outputs),
    layout:
      'filters are [out, in/groups, …] and matrices [in, out], as in the ONNX model; XLA lays them out for the chip',
  };
}
