import { cloneNode, makeAttribute, makeNode, nameAllocator, usedNames } from '../ir/graph.js';
import type { Model, Tensor } from '../ir/model.js';
import { product } from './adjoints/common.js';
import { assembled, sizedInput } from './assemble.js';
import { backward, type Cut } from './backward.js';
import { Builder } from './builder.js';
import { next } from './graph.js';
import { layOut, totalOf } from './parameters.js';
import type { Place } from './types.js';

/** A value whose change is to be foreseen. */
export interface Watched {
  value: string;
  /** It is rows of so many scores, and their softmax counts; else the square of the change. */
  classes?: number;
}

/** A float network, every size a number, and the weights in question. */
export interface FisherProblem {
  model: Model;
  dims: ReadonlyMap<string, number[]>;
  weights: readonly Tensor[];
  watched: readonly Watched[];
}

export interface FisherGraph {
  model: Model;
  /** Where the squares of each weight lie in the flat sum. */
  places: Place[];
  /** Input of random signs for each watched value. */
  probes: { name: string; dims: number[] }[];
  /** Weights that no gradient reaches, and the nodes that gradients stop at. */
  frozen: string[];
  cuts: Cut[];
}

/** Sum of squared gradients: comes in under its name, goes out as its next. */
export const SQUARES = 'squares';

/**
 * One sample, or one batch that counts as one: inputs of the model, probes ε and Σg² → Σg² with the sample's own squares.
 * g = Jᵀ·B·ε with J the network's Jacobian and H = B·Bᵀ the curvature of the loss by the outputs, so the mean of g² over
 * signs ε is the diagonal of JᵀHJ: Fisher's information where labels are the model's own opinion, without drawing any
 * (curvature propagation: Martens, Sutskever and Swersky, arXiv 1206.6464).
 */
export function fisherGraph({ model, dims, weights, watched }: FisherProblem): FisherGraph {
  const { graph } = model;
  const b = new Builder(nameAllocator(new Set([...usedNames(graph), SQUARES, next(SQUARES)])));
  b.nodes.push(...graph.nodes.map(cloneNode));
  const nodes = [...b.nodes];
  const probes = watched.map(({ value }) => ({ name: b.name(`probe of ${value}`), dims: dims.get(value)! }));
  const seeds = new Map(
    watched.map((w, i) => [w.value, w.classes ? curved(b, w.value, w.classes, probes[i]) : probes[i].name]),
  );
  const names = weights.map((t) => t.name!);
  const constants = new Map(graph.initializers.map((t) => [t.name ?? '', t]));
  const sizes = (name: string) => dims.get(name) ?? constants.get(name)?.dims ?? [];
  const forward = { nodes, dims: sizes, constant: (name: string) => constants.get(name) };
  const { gradients, cuts } = backward(b, forward, seeds, names);
  const reached = weights.filter((t) => gradients.has(t.name!));
  const places = layOut(reached.map((t) => ({ name: t.name!, dims: t.dims })));
  const outputs = places.length > 0 ? [addSquares(b, places, gradients)] : [];
  const inputs = [
    ...graph.inputs.map((i) => sizedInput(i.name, dims.get(i.name)!, i.type?.tensor?.elemType)),
    ...probes.map((p) => sizedInput(p.name, p.dims)),
    sizedInput(SQUARES, [totalOf(places)]),
  ];
  const initializers = [...graph.initializers, ...b.initializers];
  const whole = assembled(model, { nodes: b.nodes, inputs, initializers, outputs });
  return { model: whole, places, probes, frozen: names.filter((name) => !gradients.has(name)), cuts };
}

function addSquares(b: Builder, places: readonly Place[], gradients: ReadonlyMap<string, string>): string {
  const parts = places.map((p) => b.reshape(gradients.get(p.name)!, [p.size]));
  const flat = b.concat(parts, 0);
  b.nodes.push(makeNode('Add', [SQUARES, b.mul(flat, flat)], [next(SQUARES)]));
  return next(SQUARES);
}

/** B·ε for rows of softmax, √p∘ε − p·(√p·ε): B = (diag p − p·pᵀ)·diag(p)^(−1/2) has B·Bᵀ = diag p − p·pᵀ. */
function curved(b: Builder, value: string, classes: number, probe: FisherGraph['probes'][number]): string {
  const rows = [product(probe.dims) / classes, classes];
  const p = b.op('Softmax', [b.reshape(value, rows)], [makeAttribute.int('axis', -1)]);
  const part = b.mul(b.op('Sqrt', [p]), b.reshape(probe.name, rows));
  return b.reshape(b.sub(part, b.mul(p, b.sum(part, [1]))), probe.dims);
}
