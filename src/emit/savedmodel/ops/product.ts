import { floatAttribute, intAttribute, stringAttribute } from '../../../ir/graph.js';
import type { Node } from '../../../ir/model.js';
import { elementCount } from '../../../ir/tensor.js';
import { broadcastDims } from '../../lowering/shapes.js';
import { scaleWeight, transposeWeight, type Weight } from '../../weight.js';
import type { Context } from '../context.js';
import { computed, dot, weighted } from '../product.js';
import type { Value } from '../program.js';
import type { Family, Lower } from './types.js';

/** The weight as [K, N], whatever the rank of the other side. */
const byMatrix = (node: Node, c: Context, weight: Weight, turn: (x: Value) => Value, bias?: string): Value =>
  weighted(c, {
    input: node.inputs[0],
    weight,
    name: node.inputs[1],
    bias,
    axis: 1,
    channel: c.dims(node.outputs[0]).length - 1,
    multiply: (x, w) => dot(c, turn(x), w),
  });

const matMul: Lower = (node, c) => {
  const [a, b] = node.inputs;
  const weight = c.weight(b);
  if (weight?.dims.length === 2 && c.dims(a).length >= 2 && !c.weight(a))
    return byMatrix(node, c, weight, (x) => x);
  const [left, right] = [a, b].map((name) => c.dims(name));
  const batch = broadcastDims(left.slice(0, -2), right.slice(0, -2));
  const matrix = (v: Value, i: number) => {
    const dims = v.dims.length > 1 ? v.dims : i === 0 ? [1, ...v.dims] : [...v.dims, 1];
    return c.broadcast(c.reshape(v, dims), [...batch, ...dims.slice(-2)]);
  };
  return c.reshape(computed(c, [a, b], matrix), c.dims(node.outputs[0]));
};

/** alpha · A·B + beta · C. */
const gemm: Lower = (node, c) => {
  const [alpha, beta] = [floatAttribute(node, 'alpha', 1), floatAttribute(node, 'beta', 1)];
  const turned = ['transA', 'transB'].map((name) => intAttribute(node, name, 0) === 1);
  const turn = (x: Value, i: number) => (turned[i] ? c.transpose(x, [1, 0]) : x);
  const weight = c.weight(node.inputs[1]);
  const [, , bias] = node.inputs;
  const inside = beta === 1 && bias && isVector(c, bias) ? bias : undefined;
  const sum = weight
    ? byMatrix(
        node,
        c,
        scaleWeight(turned[1] ? transposeWeight(weight, [1, 0]) : weight, alpha),
        (x) => turn(x, 0),
        inside,
      )
    : scaled(c, computed(c, [node.inputs[0], node.inputs[1]], turn), alpha);
  return bias && !(weight && inside) ? c.add(sum, scaled(c, c.value(bias), beta)) : sum;
};

const isVector = (c: Context, name: string): boolean => c.dims(name).length === 1;
const scaled = (c: Context, x: Value, by: number): Value => (by === 1 ? x : c.multiply(x, c.like(x, by)));

/** Two operands without repeated letters: batch, free and summed letters make a batched product. */
const einsum: Lower = (node, c) => {
  const equation = stringAttribute(node, 'equation', '').replaceAll(' ', '');
  const [terms, given] = equation.split('->');
  const [left, right] = terms.split(',');
  const letters = [left, right, given].every((t) => t !== undefined && new Set(t).size === t.length);
  if (node.inputs.length !== 2 || !letters || /[^a-zA-Z,>-]/.test(equation))
    return c.refuse(`einsum takes two operands without repeated letters here, not "${equation}"`);
  const inBoth = (l: string) => left.includes(l) && right.includes(l);
  const batch = [...left].filter((l) => inBoth(l) && given.includes(l));
  const inner = [...left].filter((l) => inBoth(l) && !given.includes(l));
  const free = [left, right].map((t) => [...t].filter((l) => !inBoth(l)));
  if (free.flat().some((l) => !given.includes(l)))
    return c.refuse('einsum sums a letter of one operand only');
  const orders = [
    [...batch, ...free[0], ...inner],
    [...batch, ...inner, ...free[1]],
  ];
  const sizes = new Map(
    [left, right].flatMap((t, i) => [...t].map((l, axis) => [l, c.dims(node.inputs[i])[axis]])),
  );
  const size = (list: string[]) => list.map((l) => sizes.get(l)!);
  const matrices = (v: Value, i: number) => {
    const moved = c.transpose(
      v,
      orders[i].map((l) => [left, right][i].indexOf(l)),
    );
    const [rows, columns] = i === 0 ? [free[0], inner] : [inner, free[1]];
    return c.reshape(moved, [...size(batch), elementCount(size(rows)), elementCount(size(columns))]);
  };
  const product = computed(c, [node.inputs[0], node.inputs[1]], matrices);
  const order = [...batch, ...free[0], ...free[1]];
  return c.transpose(
    c.reshape(product, size(order)),
    [...given].map((l) => order.indexOf(l)),
  );
};

export const PRODUCT: Family = { MatMul: matMul, Gemm: gemm, Einsum: einsum };
