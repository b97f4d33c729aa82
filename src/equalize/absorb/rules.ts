import { floatAttribute, intAttribute, intsAttribute, stringAttribute } from '../../ir/graph.js';
import type { Node, Tensor } from '../../ir/model.js';
import { floatValues } from '../../ir/tensor.js';

/** What a rule may ask about the constants that its node reads. */
export type Constant = (name: string | undefined) => Tensor | undefined;

/**
 * Whether f(x − c) = f(x) − c for one c a channel: always, never, or where no value is clipped: x ≥ c ≥ 0, and x at most
 * `high`.
 */
type Rule = (node: Node, constant: Constant) => boolean | { high: number };

const always: Rule = () => true;
const aboveZero: Rule = () => ({ high: Number.POSITIVE_INFINITY });

const isUnpadded = (node: Node): boolean =>
  ['NOTSET', 'VALID'].includes(stringAttribute(node, 'auto_pad', 'NOTSET')) &&
  !intsAttribute(node, 'pads')?.some((pad) => pad !== 0);

/** A mean over fewer values where it hangs over the edge, or none that does: zeros of a padding would stay zeros. */
const average: Rule = (node) =>
  intAttribute(node, 'count_include_pad', 0) === 0 ||
  (isUnpadded(node) && intAttribute(node, 'ceil_mode', 0) === 0);

/** Weights of an interpolation add up to one, but for what lies outside and has a value of its own. */
const resize: Rule = (node) =>
  stringAttribute(node, 'coordinate_transformation_mode', '') !== 'tf_crop_and_resize';

const clip: Rule = (node, constant) => {
  const bound = (input: number, name: string, otherwise: number) => {
    const given = node.inputs[input];
    if (!given) return floatAttribute(node, name, otherwise);
    const tensor = constant(given);
    return tensor && floatValues(tensor)[0];
  };
  const high = bound(2, 'max', Number.POSITIVE_INFINITY);
  return bound(1, 'min', Number.NEGATIVE_INFINITY) === 0 && high !== undefined && { high };
};

const table = (rows: [ops: string[], rule: Rule][]): Map<string, Rule> =>
  new Map(rows.flatMap(([ops, rule]) => ops.map((op) => [op, rule] as const)));

/** Operators of one input that offsets pass; the walk knows Concat. */
export const OFFSET_RULES: ReadonlyMap<string, Rule> = table([
  [['Identity', 'Dropout', 'MaxPool', 'GlobalMaxPool', 'GlobalAveragePool'], always],
  [['Reshape', 'Flatten', 'Squeeze', 'Unsqueeze', 'Transpose'], always],
  [['ReduceMean', 'ReduceMax', 'ReduceMin'], always],
  [['AveragePool'], average],
  [['Resize', 'Upsample'], resize],
  [['Relu', 'LeakyRelu', 'PRelu'], aboveZero],
  [['Clip'], clip],
]);

/** Whether every output of a linear operator sums all of its weights: zeros that pad its input have no offsets. */
export function readsWhole(node: Node, kernel: number): boolean {
  if (node.opType === 'ConvTranspose') return false;
  const same = stringAttribute(node, 'auto_pad', 'NOTSET').startsWith('SAME');
  return node.opType !== 'Conv' || isUnpadded(node) || (kernel === 1 && same);
}
