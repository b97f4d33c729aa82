import type { Kernels } from '../../kernels/wasm.js';
import { elementCount, halfToFloat } from '../ir/tensor.js';
import type { Feeds, Session, TensorValue } from '../runtime/types.js';

type Fetches = Record<string, TensorValue | null>;

/**
 * Runs one session and hands over its outputs. Once the shapes that go with a feed's shapes are known, onnxruntime
 * writes float32 outputs straight into the kernels' memory; else, and for other types, it returns its own arrays.
 */
export class Fetcher {
  private readonly plans = new Map<string, Map<string, number[]> | 'varies'>();
  private current = '';
  private fetches: Fetches;

  constructor(
    private readonly session: Session,
    private readonly kernels: Kernels,
    /** Where this session's part of the memory begins. */
    private readonly mark: number,
  ) {
    this.fetches = this.returned();
  }

  async run(feeds: Feeds): Promise<Record<string, TensorValue>> {
    const key = shapesOf(feeds);
    const plan = this.plans.get(key);
    if (plan && plan !== 'varies' && this.place(key, plan)) {
      try {
        return this.inPlace(await this.session.run(feeds, this.fetches));
      } catch {
        // Shapes that depend on values do not repeat; a genuine failure repeats itself below.
        this.plans.set(key, 'varies');
      }
    }
    const out = await this.session.run(feeds, this.returned());
    if (!plan) this.plans.set(key, new Map(Object.entries(out).map(([name, v]) => [name, v.dims])));
    return out;
  }

  /** onnxruntime-node wraps what it wrote in new arrays, which the kernels would not know for their own memory. */
  private inPlace(out: Record<string, TensorValue>): Record<string, TensorValue> {
    for (const name of Object.keys(out)) out[name] = this.fetches[name] ?? out[name];
    return out;
  }

  private returned(): Fetches {
    return Object.fromEntries(this.session.outputs.filter((o) => o.dtype).map((o) => [o.name, null]));
  }

  /** Lays the outputs out in the memory; false when they do not fit. */
  private place(key: string, plan: Map<string, number[]>): boolean {
    if (key === this.current) return true;
    this.kernels.reset(this.mark);
    this.current = '';
    const fetches = this.returned();
    try {
      for (const { name, dtype } of this.session.outputs) {
        const dims = plan.get(name);
        if (dtype !== 'float32' || !dims || elementCount(dims) === 0) continue;
        fetches[name] = { dtype, dims, data: this.kernels.float32(elementCount(dims)) };
      }
    } catch {
      return false;
    }
    this.fetches = fetches;
    this.current = key;
    return true;
  }
}

/** A text that is the same for feeds of the same shapes. */
export const shapesOf = (feeds: Feeds): string =>
  Object.entries(feeds)
    .map(([name, { dims }]) => `${name}:${dims}`)
    .join(';');

/** Float values as float32; undefined for types that calibration has nothing to say about (integers, text). */
export function asFloat32(value: TensorValue): Float32Array | undefined {
  switch (value.dtype) {
    case 'float32':
      return value.data as Float32Array;
    case 'float64':
      return Float32Array.from(value.data as Float64Array);
    case 'float16':
      return Float32Array.from(value.data as Uint16Array, halfToFloat);
    default:
      return undefined;
  }
}
