import { floatAttribute, intAttribute, isOp, stringAttribute } from '../../../ir/graph.js';
import type { Node } from '../../../ir/model.js';
import { elementCount } from '../../../ir/tensor.js';
import { padRank, scaleWeight, transposeWeight, type Weight } from '../../weight.js';
import type { Context } from '../context.js';
import { flag, floats, int, ints, text } from '../literal.js';
import type { Var } from '../program.js';
import type { Family, Lower } from './types.js';

/** Above this size of an axis the Neural Engine takes no convolution; `linear` it stays. */
const MAX_CHANNELS = 16384;

/**
 * x · W for a constant W [K, N], as a 1×1 convolution over [B, K, 1, S]: the Neural Engine refuses `matmul` over
 * codes and computes `linear` at half the rate. A pass (passes.ts) moves the reshapes in front of the
 * dequantize, so that this stays next to the convolution.
 */
function product(c: Context, x: Var, weight: Weight, bias: Float32Array | undefined, dims: number[]): Var {
  const [inner, outer] = weight.dims;
  const rows = transposeWeight(weight, [1, 0]);
  const biasLiteral = bias && floats(c.float, bias, [outer]);
  if (inner > MAX_CHANNELS || outer > MAX_CHANNELS)
    return c.op('linear', { x, weight: c.constant(rows), bias: biasLiteral }, dims);
  const positions = elementCount(x.dims) / inner;
  const kernel = c.constant(padRank(rows, 4));
  const convolve = (columns: Var) =>
    c.op('conv', { x: columns, weight: kernel, bias: biasLiteral, ...pointwise }, [
      columns.dims[0],
      outer,
      1,
      columns.dims[3],
    ]);
  if (positions === 1) return c.reshape(convolve(c.reshape(x, [1, inner, 1, 1])), dims);
  const batch = x.dims.length > 2 ? elementCount(x.dims.slice(0, -2)) : 1;
  const length = positions / batch;
  const turned = c.transpose(c.reshape(x, [batch, length, inner]), [0, 2, 1]);
  const columns = c.reshape(turned, [batch, inner, 1, length]);
  const result = c.reshape(convolve(columns), [batch, outer, length]);
  return c.reshape(c.transpose(result, [0, 2, 1]), dims);
}

const pointwise = {
  strides: ints([1, 1]),
  pad_type: text('custom'),
  pad: ints([0, 0, 0, 0]),
  dilations: ints([1, 1]),
  groups: int(1),
};

/** The Add of a constant vector that alone reads the product: its bias. */
function biasBehind(node: Node, c: Context, outer: number): { add: Node; bias: Float32Array } | undefined {
  const [output] = node.outputs;
  const add = c.onlyReader(output);
  if (!isOp(add, 'Add')) return undefined;
  const other = add.inputs[add.inputs[0] === output ? 1 : 0];
  const bias = c.floats(other);
  const dims = bias && c.dims(other);
  const isVector =
    dims?.at(-1) === outer && elementCount(dims) === outer && dims.length <= c.dims(output).length;
  return isVector ? { add, bias: bias! } : undefined;
}

const matMul: Lower = (node, c) => {
  const x = c.input(0);
  const dims = c.dims(node.outputs[0]);
  const weight = c.weight(node.inputs[1]);
  if (weight?.dims.length === 2 && x.dims.length >= 2) {
    const behind = biasBehind(node, c, weight.dims[1]);
    const y = product(c, x, weight, behind?.bias, dims);
    if (behind) c.absorb(behind.add, y);
    return y;
  }
  return ofVectors(c, x, c.input(1), dims);
};

/** Core ML multiplies matrices: a vector to the left is a row, to the right a column. */
function ofVectors(c: Context, x: Var, y: Var, dims: number[]): Var {
  const [isRow, isColumn] = [x.dims.length === 1, y.dims.length === 1];
  const row = isRow ? c.reshape(x, [1, ...x.dims]) : x;
  const column = isColumn ? c.reshape(y, [...y.dims, 1]) : y;
  const outer = isColumn ? [...dims, 1] : dims;
  const whole = isRow ? [...outer.slice(0, -1), 1, ...outer.slice(-1)] : outer;
  return c.reshape(matmul(c, row, column, [false, false], whole), dims);
}

const matmul = (c: Context, x: Var, y: Var, [tx, ty]: [boolean, boolean], dims: number[]): Var =>
  c.op('matmul', { x, y, transpose_x: flag(tx), transpose_y: flag(ty) }, dims);

/** alpha · A·B + beta · C. */
const gemm: Lower = (node, c) => {
  const x = c.input(0);
  const dims = c.dims(node.outputs[0]);
  const [alpha, beta] = [floatAttribute(node, 'alpha', 1), floatAttribute(node, 'beta', 1)];
  const [tx, ty] = [intAttribute(node, 'transA', 0) === 1, intAttribute(node, 'transB', 0) === 1];
  const weight = c.weight(node.inputs[1]);
  const bias = gemmBias(node, c, dims[1], beta);
  if (weight && bias !== 'computed') {
    const columns = scaleWeight(ty ? transposeWeight(weight, [1, 0]) : weight, alpha);
    const rows = tx ? c.transpose(x, [1, 0]) : x;
    return product(c, rows, columns, bias, dims);
  }
  let y = matmul(c, x, c.input(1), [tx, ty], dims);
  if (alpha !== 1) y = c.op('mul', { x: y, y: c.number(alpha) }, dims);
  if (!node.inputs[2]) return y;
  const third = c.input(2);
  const scaled = beta === 1 ? third : c.op('mul', { x: third, y: c.number(beta) }, third.dims);
  return c.op('add', { x: y, y: scaled }, dims);
};

/** The constant C as one value a column, times beta; 'computed' where it is something else. */
function gemmBias(
  node: Node,
  c: Context,
  columns: number,
  beta: number,
): Float32Array | undefined | 'computed' {
  if (!node.inputs[2]) return undefined;
  const values = c.floats(node.inputs[2]);
  if (!values || (values.length !== 1 && values.length !== columns)) return 'computed';
  if (values.length === columns && c.dims(node.inputs[2]).at(-1) !== columns && columns !== 1)
    return 'computed';
  return Float32Array.from({ length: columns }, (_, i) => values[values.length === 1 ? 0 : i] * beta);
}

/** The two products that Core ML's einsum knows, whatever their letters. */
const EQUATIONS: readonly RegExp[] = [/^(.)(.)(.)(.),\1\4\3(.)->\1\2\3\5$/, /^(.)(.)(.),\3\2(.)->\1\2\4$/];

const einsum: Lower = (node, c) => {
  const equation = stringAttribute(node, 'equation', '').replaceAll(' ', '');
  if (node.inputs.length !== 2 || !EQUATIONS.some((e) => e.test(equation)))
    return c.refuse(`Core ML has einsum for "nchw,nwhu->nchu" and "chw,whr->chr", not for "${equation}"`);
  const letters = new Map(
    [...new Set(equation.replaceAll(/[^a-zA-Z]/g, ''))].map((l, i) => [l, 'abcdefgh'[i]]),
  );
  const renamed = equation.replaceAll(/[a-zA-Z]/g, (l) => letters.get(l)!);
  const values = [c.input(0), c.input(1)];
  return c.op('einsum', { values, equation: text(renamed) }, c.dims(node.outputs[0]));
};

export const PRODUCT: Family = { MatMul: matMul, Gemm: gemm, Einsum: einsum };
