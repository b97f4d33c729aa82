import { isOp, links } from '../ir/graph.js';
import type { Model } from '../ir/model.js';
import type { TensorValue } from '../runtime/types.js';
import type { Term } from './types.js';

/** What a network is trained towards. */
export interface Goal {
  terms: Term[];
  /** The value that holds scores of classes, and how many; undefined where the network is no classifier. */
  classes?: { value: string; count: number };
  /** Sizes of the first term's value. */
  dims: number[];
}

/**
 * Classifiers (one float output, [N, classes]) learn by cross-entropy on what comes before their Softmax; all others by
 * squared error of their outputs. `features`: values that are to stay as the float model has them.
 * @param classes false where it is known what outputs are to be, and not which class is right
 */
export function goalOf(
  model: Model,
  dims: ReadonlyMap<string, number[]>,
  features: readonly string[],
  classes = true,
): Goal {
  const outputs = model.graph.outputs.map((o) => o.name);
  const { producer } = links(model.graph);
  const more = features.map(
    (value): Term => ({ value, target: targetOf(value), kind: 'relative-mse', weight: 1 }),
  );
  const [output] = outputs;
  const shape = dims.get(output) ?? [];
  if (classes && outputs.length === 1 && shape.length === 2 && shape[1] > 1) {
    const maker = producer.get(output);
    const value = isOp(maker, 'Softmax') ? maker.inputs[0] : output;
    const main: Term = { value, target: targetOf(value), kind: 'cross-entropy', weight: 1 };
    return { terms: [main, ...more], classes: { value, count: shape[1] }, dims: shape };
  }
  const all = outputs.map(
    (value): Term => ({ value, target: targetOf(value), kind: 'relative-mse', weight: 1 }),
  );
  return { terms: [...all, ...more], dims: shape };
}

export const targetOf = (value: string): string => `target of ${value}`;

/** Shares of classes that the float model sees: softmax of its scores. */
export function softmaxRows({ data, dims }: TensorValue): Float32Array {
  const classes = dims.at(-1)!;
  const scores = data as Float32Array;
  const shares = new Float32Array(scores.length);
  for (let at = 0; at < scores.length; at += classes) {
    const row = scores.subarray(at, at + classes);
    const most = row.reduce((a, b) => Math.max(a, b), Number.NEGATIVE_INFINITY);
    const sum = row.reduce((total, z) => total + Math.exp(z - most), 0);
    for (let c = 0; c < classes; c++) shares[at + c] = Math.exp(row[c] - most) / sum;
  }
  return shares;
}

/** Labels as shares of classes: rows of one 1. */
export function sharesOf(labels: readonly number[], classes: number): Float32Array {
  const shares = new Float32Array(labels.length * classes);
  labels.forEach((label, row) => {
    shares[row * classes + label] = 1;
  });
  return shares;
}

/** Rows one behind the other. */
export function joinedRows(rows: readonly Float32Array[]): Float32Array {
  const [{ length }] = rows;
  const all = new Float32Array(rows.length * length);
  rows.forEach((row, i) => {
    all.set(row, i * length);
  });
  return all;
}

/** What is right, the teacher's opinion mixed in: (1 − a)·given + a·teacher. */
export const blended = (
  given: Float32Array,
  teacher: ArrayLike<number> | undefined,
  share: number,
): Float32Array => (teacher ? given.map((v, i) => (1 - share) * v + share * teacher[i]) : given);

/** The best class of each row. */
export function bestClasses({ data, dims }: TensorValue): number[] {
  const classes = dims.at(-1)!;
  const scores = data as Float32Array;
  return Array.from({ length: scores.length / classes }, (_, row) => {
    let best = row * classes;
    for (let i = best + 1; i < (row + 1) * classes; i++) if (scores[i] > scores[best]) best = i;
    return best - row * classes;
  });
}
