import { unsupportedError } from '../../errors.js';
import { allNodes, normalDomain } from '../../ir/graph.js';
import type { Model } from '../../ir/model.js';

export const LOWEST_TARGET = 8;
/** Beyond it no adapter has been checked. */
export const HIGHEST_TARGET = 25;
/** The oldest version whose operators the table takes over. */
export const OLDEST_SOURCE = 7;

/** The IR version that each ai.onnx version was released with (onnx/docs/Versioning.md), from `opset` on. */
const IR_VERSIONS: readonly (readonly [opset: number, ir: number])[] = [
  [8, 3],
  [9, 4],
  [10, 5],
  [11, 6],
  [12, 7],
  [15, 8],
  [19, 9],
  [21, 10],
  [23, 11],
  [24, 12],
  [25, 13],
];

export const irVersionFor = (opset: number): number =>
  Math.max(...IR_VERSIONS.filter(([from]) => from <= opset).map(([, ir]) => ir));

/**
 * Versions in 2..7 at which an operator's form changed. An older model is taken over when none of its operators
 * changed between its version and 7. (onnxruntime itself implements no version of an operator before its 7-era form.)
 */
const CHANGED_BEFORE_7: Record<string, readonly number[]> = {
  ...rows(
    [6],
    'Abs Cast Ceil Clip Elu Exp Floor HardSigmoid InstanceNormalization LeakyRelu Log Max Mean Min Neg',
  ),
  ...rows([6], 'Reciprocal Relu Selu Sigmoid Sqrt Sum Tanh Tile'),
  ...rows([6, 7], 'Add BatchNormalization Div Dropout Gemm Mul PRelu Sub'),
  ...rows([7], 'And AveragePool Equal Greater LSTM Less Or Pow RNN Upsample Xor'),
  ...rows([2], 'GlobalLpPool LpPool Pad Split'),
  ...rows([3, 7], 'GRU'),
  ...rows([4], 'Concat'),
  ...rows([5], 'Reshape'),
};

function rows(versions: readonly number[], ops: string): Record<string, readonly number[]> {
  return Object.fromEntries(ops.split(' ').map((op) => [op, versions]));
}

/** @throws QuantizeError OPSET_TOO_OLD (unsupported), naming the first node that stands in the way */
export function refuseTooOld(model: Model, from: number): void {
  if (from >= OLDEST_SOURCE) return;
  for (const node of allNodes(model.graph)) {
    if (normalDomain(node.domain) !== '') continue;
    const change = CHANGED_BEFORE_7[node.opType]?.find((version) => version > from);
    if (change === undefined) continue;
    throw unsupportedError(
      'OPSET_TOO_OLD',
      `the model uses ai.onnx ${from}, and ${node.opType} changed in version ${change}`,
      {
        where: { node: node.name || node.outputs[0] },
        hint: `Export the model again with ai.onnx ${OLDEST_SOURCE} or later (13 or later is best).`,
      },
    );
  }
}

/**
 * Operators whose version 22, where only element types were added, onnxruntime 1.30 runs on no CPU; it runs the
 * version before. Found by opening a model of each.
 */
export const WITHOUT_KERNEL_AT_22: ReadonlySet<string> = new Set(
  `Bernoulli GlobalLpPool MaxRoiPool Multinomial RandomNormal RandomNormalLike RandomUniform RandomUniformLike
  RoiAlign`.split(/\s+/),
);

/** @throws QuantizeError OPSET_TARGET (unsupported) for a version that nothing here can reach */
export function checkTarget(to: number): void {
  if (Number.isInteger(to) && to >= LOWEST_TARGET && to <= HIGHEST_TARGET) return;
  throw unsupportedError('OPSET_TARGET', `a model cannot be raised to ai.onnx ${to}`, {
    hint: `Choose a version from ${LOWEST_TARGET} to ${HIGHEST_TARGET}.`,
  });
}
