import type { SampleSource } from '../data/types.js';
import type { Diagnostic } from '../errors.js';
import type { TensorValue } from '../runtime/types.js';

const SAMPLES = 4;
const COLOURS = 3;
/** Values of a picture that are looked at. */
const VALUES = 1 << 16;
/** In planes a value is nearer to the next than to the third next: the other way round, by this much, they are none. */
const CLEARLY = 1.2;

/** Pictures that go into an input of three planes (NCHW) while their colours alternate (NHWC), all of those looked at. */
export async function layoutLints(source: SampleSource): Promise<Diagnostic[]> {
  if (source.kind !== 'real') return [];
  const votes = new Map<string, number>();
  let samples = 0;
  for await (const { feeds } of source.samples((index) => index < SAMPLES)) {
    samples++;
    for (const [name, value] of Object.entries(feeds))
      if (alternates(value)) votes.set(name, (votes.get(name) ?? 0) + 1);
  }
  return [...votes.keys()]
    .filter((name) => votes.get(name) === samples)
    .map((name) => ({
      level: 'warning',
      code: 'SAMPLES_LAYOUT',
      message: `the samples for "${name}" look like pictures whose colours alternate (NHWC), and it takes planes (NCHW)`,
      where: { tensor: name },
    }));
}

/** Whether every third value belongs together although the dims say planes. */
export function alternates({ dims, data }: TensorValue): boolean {
  const planes = dims.length === 4 && dims[1] === COLOURS && dims[3] > COLOURS;
  if (!planes || !(data instanceof Float32Array || data instanceof Uint8Array)) return false;
  return difference(data, 1) > CLEARLY * difference(data, COLOURS);
}

/** Mean absolute difference of values so far apart. */
function difference(values: ArrayLike<number>, lag: number): number {
  const count = Math.min(VALUES, values.length - lag);
  let sum = 0;
  for (let i = 0; i < count; i++) sum += Math.abs(values[i + lag] - values[i]);
  return sum / count;
}
