import { COUNTERS } from '../../kernels/wasm.js';
import type { Model } from '../ir/model.js';
import { openModel } from '../runtime/index.js';
import type { Feeds, Session, SessionOptions } from '../runtime/types.js';
import { withOutputs } from './augment.js';
import { shapesOf } from './fetch.js';
import { bindSymbols, estimateBytes, groupBySize, isSized } from './group.js';
import { type Probe, withProbes } from './probe.js';

/** Arrays in the kernels' memory start on cache lines. */
export const ALIGNMENT = 64;

export interface OpenOptions {
  mode: 'range' | 'histogram';
  /** Bytes of activations held at a time. */
  memoryBudget: number;
  session: SessionOptions;
  /** Tensors to look at through probes. */
  probes: readonly Probe[];
}

/** How samples are observed: plain data, so that another thread can do it too. */
export interface Recipe {
  mode: 'range' | 'histogram';
  tensors: readonly string[];
  probes: readonly Probe[];
  /** Feed shapes that the probes were planned for. */
  shapes: string;
  /** Bytes of the kernels' memory: counters, and the outputs of one sample. */
  memory: number;
}

/** Bytes of the histograms' counters. */
export const countersBytes = (tensors: readonly string[], mode: Recipe['mode']): number =>
  mode === 'histogram' ? tensors.length * (4 * COUNTERS + ALIGNMENT) : 0;

/** `feeds` are those of any one sample: sizes that the model leaves open are read off them. */
export async function openSessions(
  model: Model,
  tensors: readonly string[],
  feeds: Feeds,
  options: OpenOptions,
): Promise<{ recipe: Recipe; sessions: Session[] }> {
  const inner = tensors.filter((name) => !feeds[name]);
  const { sessions, held, probes } = await openGroups(model, inner, feeds, options);
  const { mode } = options;
  const memory = held + countersBytes(tensors, mode);
  return { recipe: { mode, tensors, probes, shapes: shapesOf(feeds), memory }, sessions };
}

/**
 * One session for all tensors or, when they exceed the memory budget, one for each group of them, without probes:
 * a model so large that it needs groups must not be opened once more for them.
 */
async function openGroups(model: Model, tensors: string[], feeds: Feeds, options: OpenOptions) {
  const { probes } = options;
  if (tensors.length === 0) return { sessions: [], held: 0, probes: [] };
  const probed = new Set(probes.map((p) => p.tensor));
  const whole = tensors.filter((name) => !probed.has(name));
  const session = await openModel(withProbes(model, whole, probes), options.session);
  if (groupsOf(session, feeds, options).length === 1)
    return { sessions: [session], held: await measure([session], feeds, options), probes };
  await session.release();
  const sessions: Session[] = [];
  for (const group of await groupsOfAll(model, tensors, feeds, options))
    sessions.push(await openModel(withOutputs(model, group), options.session));
  return { sessions, held: await measure(sessions, feeds, options), probes: [] };
}

function groupsOf(session: Session, feeds: Feeds, { memoryBudget }: OpenOptions): string[][] {
  const symbols = bindSymbols(session.inputs, feeds);
  return groupBySize(new Map(session.outputs.map((o) => [o.name, estimateBytes(o, symbols)])), memoryBudget);
}

async function groupsOfAll(model: Model, tensors: string[], feeds: Feeds, options: OpenOptions) {
  const session = await openModel(withOutputs(model, tensors), { ...options.session, optimize: 'disabled' });
  const groups = groupsOf(session, feeds, options);
  await session.release();
  return groups;
}

/** Bytes of the float32 outputs that one sample has, of the largest group. */
async function measure(sessions: Session[], feeds: Feeds, { memoryBudget }: OpenOptions): Promise<number> {
  let most = 0;
  for (const session of sessions) most = Math.max(most, await outputBytes(session, feeds));
  return Math.min(most, memoryBudget);
}

/** Read off the model where it tells, else off a trial run. */
async function outputBytes(session: Session, feeds: Feeds): Promise<number> {
  const symbols = bindSymbols(session.inputs, feeds);
  const floats = session.outputs.filter((o) => o.dtype === 'float32');
  if (floats.every((o) => isSized(o, symbols)))
    return floats.reduce((sum, o) => sum + estimateBytes(o, symbols) + ALIGNMENT, 0);
  const out = await session.run(feeds);
  return floats.reduce((sum, { name }) => sum + (out[name].data as Float32Array).byteLength + ALIGNMENT, 0);
}
