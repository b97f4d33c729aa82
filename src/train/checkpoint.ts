import { invalidError } from '../errors.js';
import { bytesOf } from '../ir/tensor.js';
import type { Progress } from './loop.js';
import { stateOf, vectorsOf } from './state.js';
import type { State } from './types.js';

const MAGIC = 'onnx-quantize/training@1\n';
const utf8 = new TextEncoder();

/** A line that names the format, the length of a JSON text, the text, and the vectors of the state and of the best one. */
export function encodeCheckpoint({ state, best, ...rest }: Progress, key: string): Uint8Array {
  const described = { key, ...rest, best: best && { epoch: best.epoch, score: best.score } };
  const json = utf8.encode(JSON.stringify(described));
  const length = utf8.encode(`${MAGIC}${json.length}\n`);
  const vectors = [state, ...(best ? [best.state] : [])].flatMap(vectorsOf).map(bytesOf);
  return new Uint8Array(Buffer.concat([length, json, ...vectors]));
}

/**
 * @param like a state of the same sizes
 * @throws QuantizeError CHECKPOINT_INVALID (invalid)
 */
export function decodeCheckpoint(
  bytes: Uint8Array,
  like: State,
  file: string,
): { key: string; progress: Progress } {
  const invalid = (what: string) =>
    invalidError('CHECKPOINT_INVALID', `not a checkpoint of this training: ${what}`, {
      where: { file },
      hint: 'remove the file to train from the start',
    });
  const head = /^(onnx-quantize\/training@1\n)(\d+)\n/.exec(
    Buffer.from(bytes.subarray(0, 64)).toString('latin1'),
  );
  if (!head) throw invalid('it begins otherwise');
  const start = head[0].length + Number(head[2]);
  const { key, best, ...rest } = parse(bytes.subarray(head[0].length, start), invalid);
  const sizes = vectorsOf(like).map((v) => v.length);
  const each = sizes.reduce((a, b) => a + b, 0);
  // A copy, since a file's bytes may lie at any offset.
  const stored = new Uint8Array(bytes.subarray(start));
  if (stored.length !== 4 * each * (best ? 2 : 1)) throw invalid('its state has another size');
  const values = new Float32Array(stored.buffer);
  const at = (from: number) => {
    const starts = sizes.map((_, i) => sizes.slice(0, i).reduce((a, b) => a + b, from));
    return stateOf(sizes.map((size, i) => values.slice(starts[i], starts[i] + size)));
  };
  return { key, progress: { ...rest, state: at(0), best: best && { ...best, state: at(each) } } };
}

function parse(bytes: Uint8Array, invalid: (what: string) => Error) {
  try {
    return JSON.parse(Buffer.from(bytes).toString('utf8')) as Omit<Progress, 'state'> & { key: string };
  } catch {
    throw invalid('its description is cut off');
  }
}
