import type { SampleSource } from '../data/types.js';
import { invalidError } from '../errors.js';
import type { Model } from '../ir/model.js';
import { openModel } from '../runtime/index.js';
import type { Feeds, Session, TensorValue } from '../runtime/types.js';
import { accuracy, type Hits, noHits, OutputAccumulator } from './accumulate.js';
import { addSums, type ErrorSums, emptySums, floatElements, sqnrDb } from './errorsums.js';
import { fetch, takeSamples, tensorOutputs, withSessions } from './sessions.js';
import { TokenAccumulator } from './tokens.js';
import type { ExactOutput, Metrics, OutputMetrics } from './types.js';

/** Samples on which the emitted model also runs with optimisations off. */
const UNOPTIMISED_SAMPLES = 4;

export interface VerifyOptions {
  float: Model;
  quantized: Model;
  source: SampleSource;
  evidence: Metrics['evidence'];
  /**
   * Class of each sample by `Sample.index`; for samples of several rows, of each row in turn. A row without a label
   * (undefined or NaN) counts for agreement only. They belong to the first output that looks like a classifier's.
   */
  labels?: ArrayLike<number | undefined>;
  threads?: number;
  /** Samples at most. */
  limit?: number;
  /** Samples on which the quantized model also runs with optimisations off; default 4. */
  unoptimised?: number;
  onProgress?(done: number, total: number | undefined): void;
  signal?: AbortSignal;
}

/**
 * Runs both models on the same samples, one at a time, and keeps sums only: memory does not grow with the samples.
 * @throws QuantizeError NO_SAMPLES, OUTPUT_MISSING, LABEL_RANGE, RUN_FAILED (invalid), INTERRUPTED
 */
export async function verify(options: VerifyOptions): Promise<Metrics> {
  const threads = options.threads;
  return withSessions(
    [() => openModel(options.float, { threads }), () => openModel(options.quantized, { threads })],
    ([float, quantized]) => compare(options, float, quantized),
  );
}

async function compare(options: VerifyOptions, float: Session, quantized: Session): Promise<Metrics> {
  const run = new Comparison(tensorOutputs(float));
  const total = options.limit ?? options.source.count;
  const plain = new PlainRuns(options);
  let done = 0;
  try {
    for await (const sample of takeSamples(options.source, options.limit, options.signal)) {
      const x = await fetch(float, sample.feeds, run.names);
      const y = await fetch(quantized, sample.feeds, run.names);
      run.add(x, y, labelOf(options.labels, sample.index));
      run.addTokens(sample.feeds, x, y);
      await plain.add(run, sample.feeds, y);
      // Counted apart from the call: an optional call that is not made does not evaluate its arguments.
      done++;
      options.onProgress?.(done, total);
    }
  } finally {
    await plain.release();
  }
  if (done === 0)
    throw invalidError('NO_SAMPLES', `no samples to compare the models on: ${options.source.description}`);
  return run.metrics(done, options);
}

/** Runs the first few samples with optimisations off too; the session lives no longer than that. */
class PlainRuns {
  private session?: Session;
  private left: number;

  constructor(private readonly options: VerifyOptions) {
    this.left = options.unoptimised ?? UNOPTIMISED_SAMPLES;
  }

  async add(run: Comparison, feeds: Feeds, optimised: Record<string, TensorValue>): Promise<void> {
    if (this.left === 0) return;
    const { quantized, threads } = this.options;
    this.session ??= await openModel(quantized, { threads, optimize: 'disabled' });
    run.addPlain(optimised, await fetch(this.session, feeds, run.names));
    if (--this.left === 0) await this.release();
  }

  async release(): Promise<void> {
    const { session } = this;
    this.session = undefined;
    await session?.release();
  }
}

/** Label of a row: `index` of the sample when it has one row, index × rows + row when it has several. */
const labelOf =
  (labels: VerifyOptions['labels'], index: number) =>
  (row: number, rows: number): number | undefined => {
    const label = labels?.[index * rows + row];
    return label === undefined || Number.isNaN(label) ? undefined : label;
  };

class Comparison {
  private readonly outputs: OutputAccumulator[];
  private readonly hits: Hits = noHits();
  private readonly plain: Map<string, ErrorSums>;
  private readonly tokens: TokenAccumulator[];

  constructor(readonly names: string[]) {
    this.tokens = names.map((name) => new TokenAccumulator(name));
    this.outputs = names.map((name) => new OutputAccumulator(name));
    this.plain = new Map(names.map((name) => [name, emptySums()]));
  }

  add(
    x: Record<string, TensorValue>,
    y: Record<string, TensorValue>,
    label: (row: number, rows: number) => number | undefined,
  ): void {
    let labelled = false;
    for (const output of this.outputs) {
      const value = x[output.output];
      const rows = value.dims.length > 1 ? value.dims[0] : 1;
      const takes = !labelled;
      output.add(value, y[output.output], takes ? this.hits : undefined, (row) => label(row, rows));
      labelled ||= output.isClassifier;
    }
  }

  addTokens(feeds: Feeds, x: Record<string, TensorValue>, y: Record<string, TensorValue>): void {
    for (const tokens of this.tokens) tokens.add(feeds, x[tokens.output], y[tokens.output]);
  }

  /** Optimised against plain run of the same model: what onnxruntime's own fusions change. */
  addPlain(optimised: Record<string, TensorValue>, plain: Record<string, TensorValue>): void {
    for (const name of this.names) {
      const x = floatElements(plain[name]);
      const y = floatElements(optimised[name]);
      if (x && y && x.length === y.length) addSums(this.plain.get(name)!, x, y);
    }
  }

  metrics(samples: number, options: VerifyOptions): Metrics {
    const exact = this.outputs.map((o) => o.exact).filter((e): e is ExactOutput => e !== undefined);
    const top1 = accuracy(this.hits.top1);
    const top5 = accuracy(this.hits.top5);
    const tokens = this.tokens.map((t) => t.metrics).find((t) => t !== undefined);
    return {
      samples,
      evidence: options.evidence,
      source: options.source.description,
      outputs: this.outputs.map((o) => o.metrics).filter((m): m is OutputMetrics => m !== undefined),
      ...(exact.length > 0 && { exactOutputs: exact }),
      ...(top1 && { top1 }),
      ...(top5 && { top5 }),
      ...(tokens && { tokens }),
      optimisedSqnrDb: lowestSqnr([...this.plain.values()].map(sqnrDb)),
    };
  }
}

/** The lowest of SQNRs, where null means equal, that is without limit. */
export function lowestSqnr(values: (number | null)[]): number | null {
  const finite = values.filter((value): value is number => value !== null);
  return finite.length === 0 ? null : Math.min(...finite);
}
