import { invalidError } from '../errors.js';
import type { Dtype } from '../ir/dtypes.js';
import type { Session, SessionOptions, TensorValue, ValueMeta } from './types.js';

type Ort = typeof import('onnxruntime-node');
type OrtTensor = InstanceType<Ort['Tensor']>;

let loaded: Promise<Ort> | undefined;
/** onnxruntime costs a third of a second to load, so only commands that run a model pay for it. */
const ort = (): Promise<Ort> => {
  loaded ??= import('onnxruntime-node').then(
    (m) => (m as unknown as { default?: Ort }).default ?? (m as Ort),
  );
  return loaded;
};

/**
 * Opens a model in onnxruntime. `model` is a file path (needed when tensors are external) or encoded bytes.
 * @throws QuantizeError MODEL_REJECTED (invalid) with onnxruntime's reason
 */
export async function openSession(
  model: string | Uint8Array,
  options: SessionOptions = {},
): Promise<Session> {
  const { InferenceSession } = await ort();
  const settings = {
    graphOptimizationLevel: options.optimize ?? 'all',
    logSeverityLevel: 4,
    ...(options.threads ? { intraOpNumThreads: options.threads } : {}),
    ...(options.keepQdq ? { extra: { session: { disable_quant_qdq: '1' } } } : {}),
  } as const;
  try {
    const session = await (typeof model === 'string'
      ? InferenceSession.create(model, settings)
      : InferenceSession.create(model, settings));
    return wrap(session);
  } catch (cause) {
    throw invalidError('MODEL_REJECTED', `onnxruntime does not open the model: ${reason(cause)}`, { cause });
  }
}

const reason = (cause: unknown): string =>
  (cause instanceof Error ? cause.message : String(cause)).split('\n')[0];

function wrap(session: import('onnxruntime-node').InferenceSession): Session {
  return {
    inputs: session.inputMetadata.map(meta),
    outputs: session.outputMetadata.map(meta),
    async run(feeds, fetches) {
      const { Tensor } = await ort();
      const toOrt = (v: TensorValue) => new (Tensor as OrtTensorConstructor)(v.dtype, v.data, v.dims);
      const given = Object.fromEntries(Object.entries(feeds).map(([k, v]) => [k, toOrt(v)]));
      const wanted =
        fetches && Object.fromEntries(Object.entries(fetches).map(([k, v]) => [k, v && toOrt(v)]));
      try {
        const out = await (wanted ? session.run(given, wanted) : session.run(given));
        return Object.fromEntries(Object.entries(out).map(([k, t]) => [k, fromOrt(t as OrtTensor)]));
      } catch (cause) {
        throw invalidError('RUN_FAILED', `onnxruntime could not run the model: ${reason(cause)}`, { cause });
      }
    },
    release: () => session.release(),
  };
}

/** onnxruntime-common types its constructor by overloads; the names of its types are ours. */
type OrtTensorConstructor = new (
  type: string,
  data: TensorValue['data'],
  dims: readonly number[],
) => OrtTensor;

const fromOrt = (t: OrtTensor): TensorValue => ({
  dtype: t.type as Dtype,
  dims: [...t.dims],
  data: t.data as TensorValue['data'],
});

type OrtMeta = import('onnxruntime-node').InferenceSession.ValueMetadata;
const meta = (m: OrtMeta): ValueMeta =>
  m.isTensor
    ? { name: m.name, dtype: m.type as Dtype, dims: m.shape.map((d) => d) }
    : { name: m.name, dims: [] };
