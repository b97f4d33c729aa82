import { floatAttribute, intAttribute } from '../../ir/graph.js';
import { gradientOf, product, range, unbroadcast } from './common.js';
import type { Adjoint, Family, Step } from './types.js';

const swapLast = (step: Step, name: string, rank: number): string =>
  step.b.transpose(name, [...range(rank - 2), rank - 1, rank - 2]);

/** dA = g·Bᵀ and dB = Aᵀ·g, vectors taken for matrices of one row or column, leading axes summed where they repeat. */
const matmul: Adjoint = {
  op: 'MatMul',
  back: (step) => {
    const { b, node, dims, wants } = step;
    const [nameA, nameB] = node.inputs;
    const given = { a: dims(nameA), c: dims(nameB), y: dims(node.outputs[0]) };
    const a = given.a.length === 1 ? [1, ...given.a] : given.a;
    const c = given.c.length === 1 ? [...given.c, 1] : given.c;
    const rank = Math.max(a.length, c.length);
    const lead = given.y.slice(
      0,
      given.y.length - (given.a.length > 1 ? 1 : 0) - (given.c.length > 1 ? 1 : 0),
    );
    const full = [...lead, a.at(-2)!, c.at(-1)!];
    const as = (name: string, from: number[], to: number[]) =>
      from.length === to.length ? name : b.reshape(name, to);
    const g = as(gradientOf(step), given.y, full);
    const back = (gradient: string, from: number[], to: number[], original: number[]) =>
      as(unbroadcast(b, gradient, from, to), to, original);
    const byA = () => {
      const right = swapLast(step, as(nameB, given.c, c), c.length);
      return back(b.matmul(g, right), [...full.slice(0, rank - 2), ...a.slice(-2)], a, given.a);
    };
    const byB = () =>
      c.length === 2 && a.length > 2
        ? as(flatProduct(step, as(nameA, given.a, a), a, g, full), c, given.c)
        : back(
            b.matmul(swapLast(step, as(nameA, given.a, a), a.length), g),
            [...full.slice(0, rank - 2), ...c.slice(-2)],
            c,
            given.c,
          );
    return [wants(0) ? byA() : undefined, wants(1) ? byB() : undefined];
  },
};

/** Aᵀ·g of a matrix that many rows meet: one product of flat rows, instead of a product a batch and a sum. */
function flatProduct({ b }: Step, a: string, dimsA: number[], g: string, dimsG: number[]): string {
  const rows = product(dimsA.slice(0, -1));
  const left = b.transpose(b.reshape(a, [rows, dimsA.at(-1)!]), [1, 0]);
  return b.matmul(left, b.reshape(g, [rows, dimsG.at(-1)!]));
}

/** Y = α·A'·B' + β·C with A' and B' transposed or not. */
const gemm: Adjoint = {
  op: 'Gemm',
  back: (step) => {
    const { b, node, dims, wants } = step;
    const [nameA, nameB, nameC] = node.inputs;
    const [transA, transB] = ['transA', 'transB'].map((name) => intAttribute(node, name, 0) === 1);
    const g = gradientOf(step);
    const scaled = b.scale(g, floatAttribute(node, 'alpha', 1));
    const t = (name: string) => b.transpose(name, [1, 0]);
    const byA = () =>
      transA ? b.matmul(transB ? t(nameB) : nameB, t(scaled)) : b.matmul(scaled, transB ? nameB : t(nameB));
    const byB = () =>
      transB ? b.matmul(t(scaled), transA ? t(nameA) : nameA) : b.matmul(transA ? nameA : t(nameA), scaled);
    const byC = () =>
      unbroadcast(b, b.scale(g, floatAttribute(node, 'beta', 1)), dims(node.outputs[0]), dims(nameC));
    return [
      wants(0) ? byA() : undefined,
      wants(1) ? byB() : undefined,
      nameC && wants(2) ? byC() : undefined,
    ];
  },
};

export const matmulFamily: Family = [matmul, gemm];
