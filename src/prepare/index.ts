import type { Diagnostic } from '../errors.js';
import { cloneModel, opsetVersion } from '../ir/graph.js';
import type { Model } from '../ir/model.js';
import type { ValueMeta } from '../runtime/types.js';
import { inferTypes, withInputDims } from './infer.js';
import { asPairs, pairsOpset } from './pairs.js';
import { dropInitializerInputs } from './passes/drop-initializer-inputs.js';
import { foldAffine } from './passes/fold-affine.js';
import { foldBatchnorm } from './passes/fold-batchnorm.js';
import { foldConstants } from './passes/fold-constants.js';
import { foldPad } from './passes/fold-pad.js';
import { foldShapes } from './passes/fold-shapes.js';
import { inlineFunctions } from './passes/inline-functions.js';
import { liftConstants } from './passes/lift-constants.js';
import { nameNodes } from './passes/name-nodes.js';
import { removeDead } from './passes/remove-dead.js';
import { removeIdentities } from './passes/remove-identities.js';
import { upgradeOpset } from './passes/upgrade-opset.js';
import { refuseQuantized } from './refuse.js';
import type { ChannelSpread, Pass, Prepared, PrepareOptions } from './types.js';

export { scaleQueries } from './attention.js';
export { inferTypes } from './infer.js';
export { observeTypes } from './observe.js';
export { upgradeOpset as raiseOpset } from './opset/index.js';
export { graphInputs, staticDims, UNKNOWN_RANK, valueMeta } from './probe.js';
export { quantizedNodes, refuseQuantized } from './refuse.js';
export type { ChannelSpread, Pass, PassResult, Prepared, PrepareOptions } from './types.js';

/**
 * In this order: first what uncovers constants, then the opset, so that folding sees one form of each operator,
 * then folding from the constants outwards. Rounds (below) clean up what folding leaves.
 */
export const PASSES: readonly Pass[] = [
  inlineFunctions,
  dropInitializerInputs,
  liftConstants,
  removeIdentities,
  removeDead,
  upgradeOpset,
  foldShapes,
  foldConstants,
  foldPad,
  foldBatchnorm,
  foldAffine,
  nameNodes,
];

/** A fold can make room for another; real networks settle in two or three rounds. */
const MAX_ROUNDS = 8;

/**
 * Brings a float model into the form that calibration and planning expect: weights as initializers, every node
 * named, nothing left to fold. Works on a copy. Outputs stay equal within float32 rounding of the folded weights;
 * without folding they are the same bits. Rounds go on until nothing changes, so preparing twice is preparing once.
 * @throws QuantizeError ALREADY_QUANTIZED (unsupported)
 */
export async function prepare(model: Model, options: PrepareOptions = {}): Promise<Prepared> {
  refuseQuantized(model);
  return settle(cloneModel(model), options);
}

/**
 * Brings a model, quantized or not, into the form that export formats expect: every shape a number (`inputDims` by
 * graph input), operators as opset 18 states them, and all that follows from shapes folded. Works on a copy.
 */
export async function specialize(
  model: Model,
  inputDims: Record<string, number[]>,
): Promise<{ model: Model; types: Map<string, ValueMeta>; diagnostics: Diagnostic[] }> {
  const fixed = withInputDims(model, inputDims);
  const settled = await settle(fixed, { opset: Math.max(EXPORT_OPSET, opsetVersion(model)) });
  return { ...settled, types: await inferTypes(settled.model, inputDims) };
}

/** A model, quantized or not, as a later opset states it, and folded. Works on a copy. */
export const modernize = async (model: Model, opset: number): Promise<Model> =>
  (await settle(cloneModel(model), { opset })).model;

/** Without operators on codes (src/prepare/pairs.ts), and how many there were. Works on a copy. */
export async function inPairs(model: Model): Promise<{ model: Model; count: number }> {
  const opset = pairsOpset(model);
  return asPairs(opset > opsetVersion(model) ? await modernize(model, opset) : model);
}

/** Axes of every reduction are inputs from here on. */
const EXPORT_OPSET = 18;

async function settle(copy: Model, options: PrepareOptions): Promise<Prepared> {
  const changes = new Map(PASSES.map((pass) => [pass.id, 0]));
  const diagnostics = new Map<string, Diagnostic>();
  const spreads = new Map<string, ChannelSpread>();
  for (let round = 0; round < MAX_ROUNDS; round++) {
    let edits = 0;
    for (const pass of PASSES) {
      const result = await pass.run(copy, options);
      edits += result.changes;
      changes.set(pass.id, changes.get(pass.id)! + result.changes);
      for (const [value, spread] of result.spreads ?? []) spreads.set(value, spread);
      for (const d of result.diagnostics ?? []) diagnostics.set(`${d.code} ${d.message}`, d);
    }
    if (edits === 0) break;
  }
  return {
    model: copy,
    diagnostics: [...diagnostics.values()],
    spreads,
    passes: [...changes].map(([id, count]) => ({ id, changes: count })),
  };
}
