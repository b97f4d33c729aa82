import type { Diagnostic } from '../../errors.js';
import { floatAttribute, intAttribute, isOp, opsetVersion } from '../../ir/graph.js';
import type { Model, Node, Tensor } from '../../ir/model.js';
import { floatValues, tensorDtype } from '../../ir/tensor.js';
import { absorb, type ChannelAffine } from '../absorb.js';
import { isUnused, removeNodes } from '../edit.js';
import { type Folding, type LinearUnit, linearBehind, startFolding } from '../linear.js';
import { probeTypes, UNKNOWN_RANK } from '../probe.js';
import type { ChannelSpread, Pass } from '../types.js';

const EPSILON = 1e-5;

/**
 * BatchNormalization in its inference form is scale[c]·x + shift[c] with
 *   scale = γ / sqrt(var + ε)        shift = β − mean·scale
 * 1. after Conv, 2. ConvTranspose (any group), 3. Gemm (transB, alpha, beta), 4. MatMul by a constant matrix with
 *    rank-2 output, with or without an Add of a constant vector between: goes into weight and bias.
 * 5. The weight is shared: this node gets its own copy.
 * 6. The linear operator's output is read elsewhere, captured, or a graph output: stays.
 * 7. Training form (training_mode, or mean/var outputs in use), spatial=0, parameters not constant: stays.
 * 8. The result is not finite in float32 (negative variance, overflow): stays.
 * BatchNormalization before a convolution stays: padding zeros come after it, so folding would change the border.
 */
export const foldBatchnorm: Pass = {
  id: 'fold-batchnorm',
  description:
    'Chips have no BatchNormalization; in the weight it costs nothing and calibrates as one tensor.',
  async run(model) {
    const folding = startFolding(model);
    const rankOf = ranks(model);
    const diagnostics: Diagnostic[] = [];
    const spreads = new Map<string, ChannelSpread>();
    let changes = 0;
    for (const node of model.graph.nodes.filter((n) => isOp(n, 'BatchNormalization'))) {
      const unit = linearBehind(node.inputs[0], folding);
      if (unit === undefined) continue;
      const [spread, made] = [spreadOf(folding, node), node.outputs[0]];
      const why = typeof unit === 'string' ? unit : await fold(model, folding, node, unit, rankOf);
      if (why === undefined) {
        changes++;
        if (spread) spreads.set(made, spread);
      } else diagnostics.push(kept(node, why));
    }
    removeNodes(model.graph, folding.gone);
    return { changes, diagnostics, spreads };
  },
};

type RankOf = (value: string) => Promise<number | undefined>;

/** Ranks cost a session of onnxruntime, so they are asked for only when a MatMul needs one. */
function ranks(model: Model): RankOf {
  let types: ReturnType<typeof probeTypes> | undefined;
  return async (value) => {
    types ??= probeTypes(model);
    const dims = (await types).get(value)?.dims;
    return dims?.includes(UNKNOWN_RANK) ? undefined : dims?.length;
  };
}

const kept = (node: Node, why: string): Diagnostic => ({
  level: 'note',
  code: 'BATCHNORM_KEPT',
  message: `BatchNormalization "${node.name || node.outputs[0]}" is not folded: ${why}`,
  where: { node: node.name },
});

async function fold(
  model: Model,
  folding: Folding,
  node: Node,
  unit: LinearUnit,
  rankOf: RankOf,
): Promise<string | undefined> {
  if (!isInference(model, folding, node)) return 'it is in training form';
  const rank = unit.rank ?? (await rankOf(node.inputs[0]));
  if (isOp(unit.node, 'MatMul') && rank !== 2)
    return 'its channels are not the columns of the MatMul before it';
  const map = affineOf(folding, node, unit.channels);
  return typeof map === 'string' ? map : absorb(folding, unit, map, node);
}

function isInference(model: Model, folding: Folding, node: Node): boolean {
  const opset = opsetVersion(model);
  const lone = node.outputs.slice(1).every((name) => !name || isUnused(folding.links, name));
  if (opset < 7) return lone && intAttribute(node, 'is_test', 0) === 1;
  return lone && intAttribute(node, 'training_mode', 0) === 0 && intAttribute(node, 'spatial', 1) === 1;
}

/** Of a node that may yet turn out not to be folded, with constants of any kind. */
function spreadOf(folding: Folding, node: Node): ChannelSpread | undefined {
  const [gamma, beta] = node.inputs.slice(1, 3).map((name) => folding.constants.get(name));
  if (!gamma || !beta || [gamma, beta].some((t) => tensorDtype(t) !== 'float32')) return undefined;
  return {
    mean: Float64Array.from(floatValues(beta)),
    deviation: Float64Array.from(floatValues(gamma), Math.abs),
  };
}

function affineOf(folding: Folding, node: Node, channels: number): ChannelAffine | string {
  const parameters = node.inputs.slice(1, 5).map((name) => folding.constants.get(name));
  const fits = (t: Tensor | undefined): t is Tensor =>
    t !== undefined && tensorDtype(t) === 'float32' && t.dims.length === 1 && t.dims[0] === channels;
  if (parameters.length !== 4 || !parameters.every(fits))
    return 'its parameters are not float32 constants, one value a channel';
  const [gamma, beta, mean, variance] = parameters.map(floatValues);
  const epsilon = floatAttribute(node, 'epsilon', EPSILON);
  const scale = Float64Array.from(gamma, (g, c) => g / Math.sqrt(variance[c] + epsilon));
  return { scale, shift: scale.map((s, c) => beta[c] - mean[c] * s) };
}
