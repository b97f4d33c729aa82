import { elementOf } from '../../kernels/grid.js';
import { isOp } from '../ir/graph.js';
import type { Node, Tensor } from '../ir/model.js';
import { elementCount } from '../ir/tensor.js';
import type { Candidate, Flow, PlanInput } from './flow.js';
import { TENSORRT_LIMITS, unsuitedAttention, unsuitedFilter, unsuitedProduct } from './rules/tensorrt.js';
import { activationsOn } from './scheme.js';
import type { Scheme } from './types.js';

/** What the compiler of this chip reads: a Q/DQ model whose pairs stand where its kernels want them. */
export const forTensorrt = ({ target }: Pick<PlanInput, 'target'>): boolean => target.runtime === 'tensorrt';

/**
 * Pairs where TensorRT wants them (developer guide, Q/DQ placement recommendations): before every operand of a product,
 * and before the skip of a residual sum. Outputs stay float, so that a product fuses with what follows it; operators
 * that move values need no pair, since its compiler moves pairs through them.
 */
export function placePairs(flow: Flow, linear: readonly Candidate[]): void {
  for (const c of linear) {
    for (const tensor of c.activations) flow.quantized.add(tensor);
    flow.integer.add(c.node);
  }
  for (const c of flow.candidates.values()) {
    const skip = isOp(c.node, 'Add') ? skipOf(c, flow) : undefined;
    if (skip === undefined) continue;
    flow.quantized.add(skip);
    flow.integer.add(c.node);
    flow.notes.set(
      c.node,
      `“${skip}”, the skip of a residual sum, is rounded; the branch is added in its kernel`,
    );
  }
  for (const c of flow.candidates.values())
    if (!flow.integer.has(c.node) && !flow.fusedBehind.has(c.node))
      flow.refused.set(
        c.node,
        'TensorRT is to fuse it: Q/DQ pairs stand before products and skips of sums only',
      );
  flow.tied = [...flow.candidates.values()].filter((c) => isOp(c.node, 'Concat'));
}

/** The operand of a residual sum that does not come straight from a product. */
function skipOf({ node, activations }: Candidate, flow: Flow): string | undefined {
  if (activations.length !== 2 || activations[0] === activations[1]) return undefined;
  const branch = activations.findLastIndex((tensor) => isBranch(tensor, node, flow));
  return branch < 0 ? undefined : activations[1 - branch];
}

/** True for what a product in 8 bits makes, with a constant added, for this reader only. */
function isBranch(tensor: string, reader: Node, flow: Flow): boolean {
  const uses = flow.links.uses.get(tensor) ?? [];
  const maker = flow.links.producer.get(tensor);
  if (!maker || uses.length !== 1 || uses[0].node !== reader || flow.links.outputs.has(tensor)) return false;
  if (flow.candidates.get(maker)?.rule.kind === 'linear') return true;
  const other = isOp(maker, 'Add') && maker.inputs.find((name) => !flow.links.initializer.has(name));
  return (
    typeof other === 'string' &&
    maker.inputs.length === 2 &&
    other !== undefined &&
    constantAdd(maker, flow) &&
    isBranch(other, maker, flow)
  );
}

const constantAdd = (node: Node, { links }: Flow): boolean =>
  node.inputs.some((name) => links.initializer.has(name));

/** Why TensorRT computes a product better in float than in 8 bits; undefined where it does not. */
export function unsuitedProductOf(node: Node, flow: Flow, input: PlanInput): string | undefined {
  const format = activationsOn(input.scheme, input.target);
  // Open dimensions count as unknown.
  const sizes = (name: string) =>
    (input.types.get(name)?.dims ?? []).map((d) => (typeof d === 'number' && d >= 0 ? d : undefined));
  const weight = node.inputs.slice(0, 2).map((name) => flow.links.initializer.get(name));
  if (isOp(node, 'ConvTranspose') && format === 'fp8') return 'FP8 has no transposed convolution';
  if (isOp(node, 'Conv')) return weight[1] && filterReason(format, node, weight[1], flow);
  if (weight[0] || weight[1]) return matrixReason(format, node, weight, sizes, flow);
  if (!isOp(node, 'MatMul')) return undefined;
  const [a, b] = node.inputs.map(sizes);
  const behindSoftmax = isOp(flow.links.producer.get(node.inputs[0]), 'Softmax');
  const [m, k, n] = [a.at(-2), a.at(-1), b.at(-1)];
  return (
    unsuitedAttention(format, { head: behindSoftmax ? n : k, tokens: m }) ??
    unsuitedProduct(format, { m, n: n === 1 ? 1 : undefined })
  );
}

function filterReason(format: string, node: Node, { dims }: Tensor, flow: Flow): string | undefined {
  const [outputs, inputs, ...kernel] = dims;
  const groups = Number(node.attributes.find((a) => a.name === 'group')?.i ?? 1n);
  return unsuitedFilter(format, {
    outputs,
    inputs,
    groups,
    kernel,
    first: flow.links.inputs.has(node.inputs[0]),
  });
}

function matrixReason(
  format: string,
  node: Node,
  [left, right]: (Tensor | undefined)[],
  sizes: (name: string) => (number | undefined)[],
  flow: Flow,
): string | undefined {
  const flag = (name: string) => Number(node.attributes.find((a) => a.name === name)?.i ?? 0n) === 1;
  const dims = (right ?? left)!.dims;
  if (dims.length < 2) return 'a product with a vector';
  const turned = isOp(node, 'Gemm') && flag(right ? 'transB' : 'transA');
  const [k, n] =
    (right !== undefined) === turned ? [dims.at(-1)!, dims.at(-2)!] : [dims.at(-2)!, dims.at(-1)!];
  const rows = right ? sizes(node.inputs[0]) : sizes(node.inputs[1]);
  const known = rows.filter((d) => d !== undefined);
  const m = known.length < rows.length || rows.length < 2 ? undefined : elementCount(known) / k;
  // The samples are single ones; a model that leaves its batch open will meet others.
  return unsuitedProduct(format, { m: m === 1 && hasOpenBatch(flow) ? undefined : m, k, n });
}

const hasOpenBatch = ({ graph }: Flow): boolean =>
  graph.inputs.some(({ type }) => type?.tensor?.shape?.dims[0]?.value === undefined);

/** Weights of 4 bits have kernels in products of matrices only, in blocks of some sizes. */
export function unsuitedStorage(
  node: Node,
  { dims }: Tensor,
  { weights, granularity }: Scheme,
): string | undefined {
  if (!takesFourBits({ weights, granularity }) || granularity.kind !== 'block') return undefined;
  if (!isOp(node, 'MatMul', 'Gemm')) return `TensorRT has no ${node.opType} with 4-bit weights`;
  if (dims.length !== 2) return 'TensorRT takes matrices of 4-bit weights only';
  if (dims[1] % 2) return 'TensorRT takes rows of an even number of 4-bit weights';
  return undefined;
}

/** True for 4-bit weights in blocks that TensorRT has kernels for. */
export const takesFourBits = ({ weights, granularity }: Pick<Scheme, 'weights' | 'granularity'>): boolean =>
  elementOf(weights).dtype === 'int4' &&
  granularity.kind === 'block' &&
  TENSORRT_LIMITS.blocks.includes(granularity.size);
