import type { SampleSource } from '../data/types.js';
import type { Session, TensorValue } from '../runtime/types.js';
import { addSums, emptySums, floatElements, sqnrDb } from './errorsums.js';
import { fetch, takeSamples, tensorOutputs, withSessions } from './sessions.js';

const numbers = (value: TensorValue): ArrayLike<number> =>
  floatElements(value) ?? Array.from(value.data as ArrayLike<number | bigint>, Number);

/** SQNR in dB of the worst output of one session against another's; null when all are equal bit for bit. */
export async function alike(
  open: [() => Promise<Session>, () => Promise<Session>],
  source: SampleSource,
  limit: number,
  signal?: AbortSignal,
): Promise<{ samples: number; sqnrDb: number | null }> {
  return withSessions(open, async ([one, other]) => {
    const names = tensorOutputs(one);
    const sums = new Map(names.map((name) => [name, emptySums()]));
    let samples = 0;
    for await (const { feeds } of takeSamples(source, limit, signal)) {
      const [x, y] = [await fetch(one, feeds, names), await fetch(other, feeds, names)];
      for (const name of names) addSums(sums.get(name)!, numbers(x[name]), numbers(y[name]));
      samples++;
    }
    const found = [...sums.values()].map(sqnrDb).filter((db) => db !== null);
    return { samples, sqnrDb: found.length > 0 ? Math.min(...found) : null };
  });
}
