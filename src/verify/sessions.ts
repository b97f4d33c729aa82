import type { Sample, SampleSource } from '../data/types.js';
import { invalidError, QuantizeError } from '../errors.js';
import type { Feeds, Session, TensorValue } from '../runtime/types.js';

/** Opens sessions in turn and releases whatever was opened, also after a failure. */
export async function withSessions<T>(
  openers: (() => Promise<Session>)[],
  body: (sessions: Session[]) => Promise<T>,
): Promise<T> {
  const sessions: Session[] = [];
  try {
    for (const open of openers) sessions.push(await open());
    return await body(sessions);
  } finally {
    await Promise.all(sessions.map((session) => session.release()));
  }
}

/** The first `limit` samples; stops with INTERRUPTED when the signal says so. */
export async function* takeSamples(
  source: SampleSource,
  limit = Number.POSITIVE_INFINITY,
  signal?: AbortSignal,
): AsyncGenerator<Sample> {
  if (limit <= 0) return;
  let taken = 0;
  for await (const sample of source.samples()) {
    if (signal?.aborted) throw new QuantizeError('interrupted', 'INTERRUPTED', 'interrupted');
    yield sample;
    if (++taken >= limit) return;
  }
}

/** Names of the outputs that are tensors; sequences and maps cannot be compared element by element. */
export const tensorOutputs = (session: Session): string[] =>
  session.outputs.filter((output) => output.dtype !== undefined).map((output) => output.name);

/** Runs a session for the named outputs. Throws OUTPUT_MISSING when one is not there. */
export async function fetch(
  session: Session,
  feeds: Feeds,
  names: readonly string[],
): Promise<Record<string, TensorValue>> {
  const wanted = session.inputs.map((input) => input.name).filter((name) => name in feeds);
  const own = Object.fromEntries(wanted.map((name) => [name, feeds[name]]));
  const have = new Set(session.outputs.map((output) => output.name));
  const missing = names.find((name) => !have.has(name));
  if (missing !== undefined)
    throw invalidError('OUTPUT_MISSING', `the other model has no output "${missing}"`, {
      where: { tensor: missing },
      hint: `its outputs are ${[...have].map((name) => `"${name}"`).join(', ')}`,
    });
  return session.run(own, Object.fromEntries(names.map((name) => [name, null])));
}
