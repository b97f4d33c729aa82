import type { Sample, SampleSource } from '../data/types.js';
import { invalidError } from '../errors.js';
import type { Feeds, TensorValue, TypedArray } from '../runtime/types.js';

/** Decoded samples that are kept; beyond it they are decoded again when their turn comes. */
const KEPT_BYTES = 512 * 2 ** 20;

/** Samples by number, several at once. */
export class Batches {
  private readonly kept = new Map<number, Feeds>();
  private bytes = 0;

  constructor(private readonly source: SampleSource) {}

  /**
   * The samples of these numbers as one batch, in this order; a number may come twice.
   * @throws QuantizeError SAMPLE_SHAPE (invalid) where samples of a batch have several sizes
   */
  async feeds(numbers: readonly number[]): Promise<Feeds> {
    const samples = await this.load(numbers);
    const [first] = samples;
    return Object.fromEntries(
      Object.keys(first).map((name) => [
        name,
        joined(
          samples.map((s) => s[name]),
          name,
        ),
      ]),
    );
  }

  private async load(numbers: readonly number[]): Promise<Feeds[]> {
    const missing = new Set(numbers.filter((n) => !this.kept.has(n)));
    const fresh = new Map<number, Feeds>();
    if (missing.size > 0)
      for await (const { index, feeds } of this.source.samples((i) => missing.has(i))) {
        fresh.set(index, feeds);
        if (fresh.size === missing.size) break;
      }
    for (const [index, feeds] of fresh) this.keep({ index, feeds });
    return numbers.map((n) => {
      const found = this.kept.get(n) ?? fresh.get(n);
      if (found) return found;
      throw invalidError('NO_SAMPLES', `there is no sample ${n} in ${this.source.description}`);
    });
  }

  private keep({ index, feeds }: Pick<Sample, 'index' | 'feeds'>): void {
    const size = Object.values(feeds).reduce((n, { data }) => n + ((data as TypedArray).byteLength ?? 0), 0);
    if (this.bytes + size > KEPT_BYTES) return;
    this.bytes += size;
    this.kept.set(index, feeds);
  }
}

/** Values of [1, …] one behind the other along the first axis. */
function joined(parts: TensorValue[], name: string): TensorValue {
  const [{ dims, dtype, data }] = parts;
  const odd = parts.find((p) => p.dims.join() !== dims.join() || p.dims[0] !== 1);
  if (odd || Array.isArray(data))
    throw invalidError(
      'SAMPLE_SHAPE',
      `samples of one batch must be of one shape [1, …] each; "${name}" is [${dims}] and [${odd?.dims ?? 'text'}]`,
      { where: { tensor: name }, hint: 'train with --batch 1, or give samples of one size' },
    );
  const all = new (data.constructor as Float32ArrayConstructor)(data.length * parts.length);
  parts.forEach((part, i) => {
    all.set(part.data as Float32Array, i * data.length);
  });
  return { dtype, dims: [parts.length, ...dims.slice(1)], data: all };
}
