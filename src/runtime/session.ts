import { bugError, invalidError, type QuantizeError, unsupportedError } from '../errors.js';
import type { Dtype } from '../ir/dtypes.js';
import { fromOrt, type Ort, type OrtTensor, toOrt } from './tensors.js';
import type { Feeds, Session, SessionOptions, TensorValue, ValueMeta } from './types.js';

type OrtSession = import('onnxruntime-node').InferenceSession;
type Fetches = Record<string, TensorValue | null>;

let loaded: Promise<Ort> | undefined;
/** onnxruntime costs a third of a second to load, so only commands that run a model pay for it. */
const ort = (): Promise<Ort> => {
  // Its Linux and macOS builds otherwise keep a device id and a database in the home folder, leave a log in the temporary
  // folder, and report the model's facts to their maker. Who sets the variable to 0 has asked for that.
  process.env.ORT_DISABLE_TELEMETRY ??= '1';
  loaded ??= import('onnxruntime-node').then(
    (m) => (m as unknown as { default?: Ort }).default ?? (m as Ort),
    (cause) => {
      throw unsupportedError('RUNTIME_MISSING', `onnxruntime does not start: ${reason(cause)}`, {
        hint: 'Reinstall onnxruntime-node on this machine; its binary is made for one platform.',
        cause,
      });
    },
  );
  return loaded;
};

/**
 * Opens a model in onnxruntime. `model` is a file path (needed when tensors are external) or encoded bytes.
 * @throws QuantizeError MODEL_REJECTED with onnxruntime's reason: unsupported when it lacks an operator or a data
 * type, else invalid; RUNTIME_MISSING (unsupported)
 */
export async function openSession(
  model: string | Uint8Array,
  options: SessionOptions = {},
): Promise<Session> {
  const runtime = await ort();
  const settings = {
    graphOptimizationLevel: options.optimize ?? 'all',
    logSeverityLevel: 4,
    ...(options.threads ? { intraOpNumThreads: options.threads } : {}),
    ...(options.lean ? { enableMemPattern: false } : {}),
    ...(options.saveOrt ? { optimizedModelFilePath: options.saveOrt } : {}),
    extra: {
      session: {
        ...(options.keepQdq ? { disable_quant_qdq: '1' } : {}),
        ...(options.saveOrt ? { save_model_format: 'ORT' } : {}),
      },
    },
  } as const;
  try {
    const session = await (typeof model === 'string'
      ? runtime.InferenceSession.create(model, settings)
      : runtime.InferenceSession.create(model, settings));
    return wrap(runtime, session);
  } catch (cause) {
    throw rejected(cause);
  }
}

const reason = (cause: unknown): string =>
  (cause instanceof Error ? cause.message : String(cause)).split('\n')[0];

/** onnxruntime's own numbers of the types that its Node binding cannot pass in or out. */
const UNPASSABLE: Record<number, string> = {
  14: 'complex64',
  15: 'complex128',
  16: 'bfloat16',
  17: 'float8e4m3fn',
  18: 'float8e4m3fnuz',
  19: 'float8e5m2',
  20: 'float8e5m2fnuz',
  23: 'float4e2m1',
  24: 'uint2',
  25: 'int2',
};

function rejected(cause: unknown): QuantizeError {
  const why = reason(cause);
  const type = /^Unsupported data type: (\d+)/.exec(why)?.[1];
  if (type)
    return unsupportedError(
      'MODEL_REJECTED',
      `onnxruntime cannot pass ${UNPASSABLE[Number(type)] ?? `type ${type}`} values in or out`,
      { hint: 'Give the graph inputs and outputs a common type; a Cast beside each does it.', cause },
    );
  const make = why.includes('NOT_IMPLEMENTED') ? unsupportedError : invalidError;
  return make('MODEL_REJECTED', `onnxruntime does not open the model: ${why}`, { cause });
}

function wrap(runtime: Ort, session: OrtSession): Session {
  const outputs = session.outputMetadata.map(meta);
  let released: Promise<void> | undefined;
  const passable = fetchable(outputs);
  return {
    inputs: session.inputMetadata.map(meta),
    outputs,
    async run(feeds, fetches = passable) {
      if (released) throw bugError('SESSION_RELEASED', 'a session was run after its release');
      checkPassable(outputs, fetches);
      try {
        return await run(runtime, session, feeds, fetches);
      } catch (cause) {
        throw invalidError('RUN_FAILED', `onnxruntime could not run the model: ${reason(cause)}`, { cause });
      }
    },
    release() {
      const release = released ?? session.release();
      released = release;
      return release;
    },
  };
}

/** The binding cannot hand these out: fetching a 4-bit tensor makes it end the whole process. */
const isPassable = (output: ValueMeta): boolean =>
  output.dtype !== undefined && output.dtype !== 'int4' && output.dtype !== 'uint4';

/** What a run fetches by default: everything, less the sequences, maps, optional and 4-bit values. */
const fetchable = (outputs: readonly ValueMeta[]): Fetches =>
  Object.fromEntries(outputs.filter(isPassable).map((o) => [o.name, null]));

function checkPassable(outputs: readonly ValueMeta[], fetches: Fetches): void {
  const wrong = outputs.find((o) => o.name in fetches && !isPassable(o));
  if (!wrong && Object.keys(fetches).length) return;
  const what = wrong
    ? `output "${wrong.name}" (${wrong.dtype ?? 'not a tensor'})`
    : 'any output of this model';
  throw unsupportedError('OUTPUT_TYPE', `onnxruntime for Node cannot hand out ${what}`, {
    where: { tensor: wrong?.name },
    hint: 'Make the graph outputs tensors of 8 bits or more; a Cast before the output does it.',
  });
}

async function run(runtime: Ort, session: OrtSession, feeds: Feeds, fetches: Fetches) {
  const given = mapValues(feeds, (v) => toOrt(runtime, v));
  const wanted = mapValues(fetches, (v) => v && toOrt(runtime, v));
  const out = await session.run(given, wanted);
  // The binding wraps a given array's memory anew; callers compare and reuse the array that they gave.
  return mapValues(out as Record<string, OrtTensor>, (tensor, name) => fetches[name] ?? fromOrt(tensor));
}

const mapValues = <A, B>(
  record: Record<string, A>,
  convert: (value: A, name: string) => B,
): Record<string, B> =>
  Object.fromEntries(Object.entries(record).map(([name, value]) => [name, convert(value, name)]));

type OrtMeta = OrtSession['inputMetadata'][number];
const meta = (m: OrtMeta): ValueMeta =>
  m.isTensor
    ? { name: m.name, dtype: m.type as Dtype, dims: m.shape.map((d) => (d === '' ? -1 : d)) }
    : { name: m.name, dims: [] };
