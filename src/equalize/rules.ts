import {
  attribute,
  floatAttribute,
  intAttribute,
  intsAttribute,
  isOp,
  stringAttribute,
} from '../ir/graph.js';
import type { Node, Tensor } from '../ir/model.js';
import { elementCount, floatValues, intValues } from '../ir/tensor.js';
import type { Classes } from './classes.js';
import type { Slot } from './types.js';

/** What a rule may ask and say about the node that it looks at. */
export interface Scene {
  classes: Classes;
  constants: Map<string, Tensor>;
  slot(tensor: string): Slot | undefined;
  /** Sizes of a value as the first sample has them; undefined when they are not known. */
  dims(tensor: string): number[] | undefined;
  /** Says that the channels of `tensor` are `classes`, counted along `axis`. */
  put(tensor: string, axis: number, classes: Int32Array): Slot;
  pin(tensor: string): void;
  addend(node: Node, input: number, slot: Slot): void;
  bounded(node: Node, slot: Slot, low: number, high: number): void;
}

/** Lets the channels of its inputs through to its outputs; false when it does not, and all that it reads is pinned. */
type Rule = (node: Node, scene: Scene) => boolean;

const sameDims = (a: number[] | undefined, b: number[] | undefined): boolean =>
  a !== undefined && b !== undefined && a.length === b.length && a.every((d, i) => d === b[i]);

/** f(a·x) = a·f(x) for a > 0, each channel for itself; or a mean, a maximum, an interpolation within a channel. */
const through: Rule = (node, scene) => {
  const slot = scene.slot(node.inputs[0]);
  if (!slot || node.outputs.slice(1).some((name) => name)) return false;
  scene.put(node.outputs[0], slot.axis, slot.classes);
  return true;
};

const clip: Rule = (node, scene) => {
  const slot = scene.slot(node.inputs[0]);
  const bound = (input: number, name: string, otherwise: number) => {
    const given = node.inputs[input];
    if (!given) return floatAttribute(node, name, otherwise);
    const constant = scene.constants.get(given);
    return constant && floatValues(constant)[0];
  };
  const low = bound(1, 'min', Number.NEGATIVE_INFINITY);
  const high = bound(2, 'max', Number.POSITIVE_INFINITY);
  if (!slot || low === undefined || high === undefined || low > 0 || high < 0) return false;
  const out = scene.put(node.outputs[0], slot.axis, slot.classes);
  const free = (limit: number) => limit === 0 || !(Math.abs(limit) < 1e30);
  if (!free(low) || !free(high)) scene.bounded(node, out, low, high);
  return true;
};

/** Only zeros may be padded in, since zero times anything is zero; and not along the channels. */
const pad: Rule = (node, scene) => {
  if (stringAttribute(node, 'mode', 'constant') === 'constant') {
    const value = node.inputs[2] ? scene.constants.get(node.inputs[2]) : floatAttribute(node, 'value', 0);
    if (typeof value === 'number' ? value !== 0 : !value || floatValues(value)[0] !== 0) return false;
  }
  const slot = scene.slot(node.inputs[0]);
  const [before, after] = [scene.dims(node.inputs[0]), scene.dims(node.outputs[0])];
  return slot !== undefined && before?.[slot.axis] === after?.[slot.axis] && through(node, scene);
};

/** Reductions within channels. */
const reduce: Rule = (node, scene) => {
  const slot = scene.slot(node.inputs[0]);
  const rank = scene.dims(node.inputs[0])?.length;
  const given = node.inputs[1] ? scene.constants.get(node.inputs[1]) : undefined;
  const axes = given ? intValues(given) : intsAttribute(node, 'axes');
  if (!slot || rank === undefined || !axes) return false;
  const reduced = axes.map((a) => (a < 0 ? a + rank : a));
  if (reduced.includes(slot.axis)) return false;
  const before = intAttribute(node, 'keepdims', 1) ? 0 : reduced.filter((a) => a < slot.axis).length;
  scene.put(node.outputs[0], slot.axis - before, slot.classes);
  return true;
};

const transpose: Rule = (node, scene) => {
  const slot = scene.slot(node.inputs[0]);
  const order = intsAttribute(node, 'perm');
  if (!slot || !order) return false;
  scene.put(node.outputs[0], order.indexOf(slot.axis), slot.classes);
  return true;
};

/** Each channel becomes a run of equal or more elements along one axis (Flatten of [N, C, H, W] is [N, C·H·W]). */
const reshape: Rule = (node, scene) => {
  const slot = scene.slot(node.inputs[0]);
  const [from, to] = [scene.dims(node.inputs[0]), scene.dims(node.outputs[0])];
  if (!slot || !from || !to) return false;
  const before = elementCount(from.slice(0, slot.axis));
  const inner = elementCount(from.slice(slot.axis + 1));
  for (let axis = 0; axis < to.length; axis++) {
    const run = to[axis] / from[slot.axis];
    const fits =
      elementCount(to.slice(0, axis)) === before && elementCount(to.slice(axis + 1)) * run === inner;
    if (!Number.isInteger(run) || !fits) continue;
    const spread = Int32Array.from({ length: to[axis] }, (_, e) => slot.classes[Math.floor(e / run)]);
    scene.put(node.outputs[0], axis, spread);
    return true;
  }
  return false;
};

/** Sum of two activations of one shape, or of an activation and a constant that has one value a channel. */
const add: Rule = (node, scene) => {
  const [a, b] = node.inputs.map((name) => scene.slot(name));
  const out = scene.dims(node.outputs[0]);
  if (a && b) {
    const alike = node.inputs.every((name) => sameDims(scene.dims(name), out)) && a.axis === b.axis;
    if (!alike) return false;
    scene.classes.join(a.classes, b.classes);
    scene.put(node.outputs[0], a.axis, a.classes);
    return true;
  }
  const slot = a ?? b;
  const input = a ? 1 : 0;
  const constant = scene.constants.get(node.inputs[input]);
  if (!slot || !constant || !out || !sameDims(scene.dims(node.inputs[1 - input]), out)) return false;
  const at = slot.axis - (out.length - constant.dims.length);
  const shaped = constant.dims.every((d, axis) => d === 1 || (axis === at && d === slot.classes.length));
  if (!shaped) return false;
  scene.addend(node, input, scene.put(node.outputs[0], slot.axis, slot.classes));
  return true;
};

/** A constant with one factor a channel takes whatever its output is multiplied by: what it reads stays as it is. */
function gain(node: Node, scene: Scene): boolean {
  const input = node.inputs.findIndex((name) => scene.constants.has(name));
  const dims = scene.constants.get(node.inputs[input])?.dims ?? [];
  const out = scene.dims(node.outputs[0]);
  const along = dims.findIndex((d) => d > 1);
  if (!isOp(node, 'Mul') || !out || along < 0 || dims.slice(along + 1).some((d) => d > 1)) return false;
  const axis = out.length - dims.length + along;
  if (axis < 1 || out[axis] !== dims[along]) return false;
  scene.pin(node.inputs[1 - input]);
  const slot = scene.put(node.outputs[0], axis, scene.classes.fresh(dims[along]));
  scene.addend(node, input, slot);
  return true;
}

/** Product with something that itself keeps its scale (a gate, a constant): the other factor's scale goes through. */
const multiply: Rule = (node, scene) => {
  if (gain(node, scene)) return true;
  const slots = node.inputs.map((name) => scene.slot(name));
  const at = slots.findIndex((slot) => slot);
  const slot = slots[at];
  if (!slot || slots.filter((s) => s).length > 1) return false;
  if (node.opType === 'Div' && at === 1) return false;
  if (!sameDims(scene.dims(node.inputs[at]), scene.dims(node.outputs[0]))) return false;
  scene.put(node.outputs[0], slot.axis, slot.classes);
  return true;
};

const concat: Rule = (node, scene) => {
  const slots = node.inputs.map((name) => scene.slot(name));
  const known = slots.find((slot) => slot);
  const out = scene.dims(node.outputs[0]);
  if (!known || !out || slots.some((s) => s && s.axis !== known.axis)) return false;
  const axis = intAttribute(node, 'axis', 0);
  if ((axis < 0 ? axis + out.length : axis) !== known.axis) return false;
  const parts = node.inputs.map((name, i) => {
    if (slots[i]) return slots[i].classes;
    const fixed = scene.classes.fresh(scene.dims(name)?.[known.axis] ?? 0);
    scene.classes.pin(fixed);
    return fixed;
  });
  const whole = Int32Array.from(parts.flatMap((part) => [...part]));
  if (whole.length !== out[known.axis]) return false;
  scene.put(node.outputs[0], known.axis, whole);
  return true;
};

const table = (rows: [ops: string[], rule: Rule][]): Map<string, Rule> =>
  new Map(rows.flatMap(([ops, rule]) => ops.map((op) => [op, rule] as const)));

/** Operators through which a channel may be rescaled. All others pin what they read. */
export const RULES: ReadonlyMap<string, Rule> = table([
  [['Relu', 'LeakyRelu', 'PRelu', 'Identity', 'Dropout'], through],
  [['MaxPool', 'AveragePool', 'GlobalAveragePool', 'GlobalMaxPool', 'Resize', 'Upsample'], through],
  [['Clip'], clip],
  [['Pad'], pad],
  [['ReduceMean', 'ReduceSum', 'ReduceMax', 'ReduceMin'], reduce],
  [['Transpose'], transpose],
  [['Reshape', 'Flatten', 'Squeeze', 'Unsqueeze'], reshape],
  [['Add'], add],
  [['Mul', 'Div'], multiply],
  [['Concat'], concat],
]);

/** Normalisations with a gain and a shift for each channel: input positions of both, and the axis of the channels. */
export const NORMALISATIONS: ReadonlyMap<string, (node: Node, rank: number) => number | undefined> = new Map([
  ['InstanceNormalization', () => 1],
  ['BatchNormalization', () => 1],
  [
    'LayerNormalization',
    (node: Node, rank: number) => {
      const axis = attribute(node, 'axis') ? intAttribute(node, 'axis', -1) : -1;
      return axis === -1 || axis === rank - 1 ? rank - 1 : undefined;
    },
  ],
]);
