import type { Sample, SampleSource } from '../../data/types.js';
import type { Package, PackageFormat } from '../../emit/index.js';
import type { Diagnostic } from '../../errors.js';
import { dtypeName, dtypeNumber } from '../../ir/dtypes.js';
import type { Model, ValueInfo } from '../../ir/model.js';
import { elementCount } from '../../ir/tensor.js';
import { openModel } from '../../runtime/index.js';
import type { Feeds, TypedArray, ValueMeta } from '../../runtime/types.js';
import { alike } from '../../verify/index.js';
import type { JobOptions } from '../options.js';

/** The package read back from its bytes and run against the model it was made from. */
export interface RoundTrip {
  samples: number;
  evidence: 'samples' | 'synthetic';
  /** Of the worst output; null when the two agree bit for bit. */
  sqnrDb: number | null;
  /**
   * Of a model whose activations are quantized: its codes layer by layer, on one sample, each layer of the package fed
   * with the model's own. Errors do not add up here, so this is what the lowering is worth.
   */
  codes?: { compared: number; different: number; mostSteps: number };
}

/** A model with known shapes. */
export interface Sized {
  model: Model;
  types: Map<string, ValueMeta>;
}

/** Samples that the package is run on: it computes as the model does on the first as on the thousandth. */
const SAMPLES = 4;
/** Below this the output says more of the model's noise than of the package's, so codes are what counts. */
const LEAST_DB = 25;
/** Of one layer: 3 are the most that float16 brought about in the shared networks. */
const MOST_STEPS = 8;
/** Codes of one sample that are held at a time: 64 MiB for each of the two. */
const MOST_CODES = 2 ** 26;

/**
 * @param make the package of a model, as `contents` was made of `sized`
 * @param source samples of the package's shape
 */
export async function roundTrip(
  format: PackageFormat,
  sized: Sized,
  contents: Package,
  make: (sized: Sized) => Package,
  source: SampleSource,
  options: JobOptions,
): Promise<RoundTrip> {
  const optimize = hasFloat8(sized.model) ? ('disabled' as const) : undefined;
  const opened = { threads: options.threads, keepQdq: !format.integerSums, optimize };
  const agreement = await alike(
    [() => openModel(sized.model, opened), () => openModel(contents.readBack(), opened)],
    source,
    SAMPLES,
    options.signal,
  );
  const codes = await compareCodes(sized, make, source, options);
  return { ...agreement, evidence: evidenceOf(source), ...(codes && { codes }) };
}

export const evidenceOf = ({ kind }: SampleSource): RoundTrip['evidence'] =>
  kind === 'synthetic' ? 'synthetic' : 'samples';

/** "4 made-up samples". */
export const toldOf = ({ samples, evidence }: Pick<RoundTrip, 'samples' | 'evidence'>): string =>
  `${samples} ${evidence === 'synthetic' ? 'made-up ' : ''}samples`;

/** onnxruntime takes pairs of 8-bit floats for integers, or for nothing, where it optimises. */
const hasFloat8 = ({ graph }: Model): boolean =>
  graph.initializers.some((t) => dtypeName(t.dataType)?.startsWith('float8'));

async function compareCodes(
  sized: Sized,
  make: (sized: Sized) => Package,
  source: SampleSource,
  { threads }: JobOptions,
): Promise<RoundTrip['codes']> {
  const names = codeNames(sized);
  const sample = await first(source);
  if (names.length === 0 || !sample) return undefined;
  const given = await run(withOutputs(sized.model, names, sized.types), sample.feeds, threads);
  const cut = cutAt(sized, names);
  const feeds = { ...sample.feeds, ...Object.fromEntries(names.map((n) => [givenName(n), given[n]])) };
  const got = await run(make(cut).readBack(), feeds, threads);
  const result = { compared: 0, different: 0, mostSteps: 0 };
  for (const name of names) {
    const [a, b] = [given[name].data as TypedArray, got[name].data as TypedArray];
    result.compared += a.length;
    for (let i = 0; i < a.length; i++) {
      const steps = Math.abs(Number(a[i]) - Number(b[i]));
      if (steps > 0) result.different++;
      if (steps > result.mostSteps) result.mostSteps = steps;
    }
  }
  return result;
}

/** Activations in 8-bit codes; none where there are more than fit. */
function codeNames({ model, types }: Sized): string[] {
  const names = model.graph.nodes
    .filter((n) => n.opType === 'QuantizeLinear')
    .map((n) => n.outputs[0])
    .filter((name) => /^u?int8$/.test(types.get(name)?.dtype ?? ''));
  const sizes = names.map((name) => elementCount(dimsOf(types, name)));
  return sizes.reduce((a, b) => a + b, 0) > MOST_CODES ? [] : names;
}

async function first(source: SampleSource): Promise<Sample | undefined> {
  for await (const sample of source.samples()) return sample;
  return undefined;
}

async function run(model: Model, feeds: Feeds, threads: number | undefined) {
  const session = await openModel(model, { threads, keepQdq: true });
  try {
    return await session.run(feeds);
  } finally {
    await session.release();
  }
}

const dimsOf = (types: Map<string, ValueMeta>, name: string): number[] =>
  (types.get(name)?.dims ?? []) as number[];

const givenName = (name: string): string => `${name}/given`;

/** The model with codes among its outputs. */
function withOutputs(model: Model, names: readonly string[], types: Map<string, ValueMeta>): Model {
  const known = new Set(model.graph.outputs.map((o) => o.name));
  const added = names.filter((name) => !known.has(name)).map((name) => port(name, name, types));
  return { ...model, graph: { ...model.graph, outputs: [...model.graph.outputs, ...added] } };
}

const port = (name: string, as: string, types: Map<string, ValueMeta>): ValueInfo => {
  const dims = dimsOf(types, name).map((value) => ({ value }));
  return {
    name: as,
    type: { tensor: { elemType: dtypeNumber(types.get(name)!.dtype!), shape: { dims } } },
  };
};

/** The model whose layers read the codes that they are given, and hand out those that they make. */
function cutAt({ model, types }: Sized, names: readonly string[]): Sized {
  const cut = new Set(names);
  const whole = withOutputs(model, names, types);
  const nodes = whole.graph.nodes.map((n) => ({
    ...n,
    inputs: n.inputs.map((name) => (cut.has(name) ? givenName(name) : name)),
  }));
  const inputs = [...whole.graph.inputs, ...names.map((name) => port(name, givenName(name), types))];
  const added = names.map((name) => [givenName(name), types.get(name)!] as const);
  return {
    model: { ...whole, graph: { ...whole.graph, nodes, inputs } },
    types: new Map([...types, ...added]),
  };
}

/** What the user should know of a difference. */
export function differences({ sqnrDb, evidence, codes }: RoundTrip, { float }: PackageFormat): Diagnostic[] {
  const far = codes !== undefined && codes.mostSteps > MOST_STEPS;
  if (sqnrDb === null || (sqnrDb >= LEAST_DB && !far)) return [];
  const layers = codes
    ? `; layer by layer, ${codes.different} of ${codes.compared} codes differ, by ${codes.mostSteps} steps at most`
    : '';
  const message = `the package differs from the model it was made from: ${sqnrDb.toFixed(1)} dB on ${evidence === 'synthetic' ? 'made-up samples' : 'the samples'}${layers}; it computes in ${float}, where other values fall on the far side of a rounding, or out of range`;
  return [{ level: 'warning', code: 'PACKAGE_DIFFERS', message }];
}
