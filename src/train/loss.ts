import { makeAttribute } from '../ir/graph.js';
import { product } from './adjoints/common.js';
import type { Tape } from './tape.js';
import type { Term } from './types.js';

/** Keeps the division by the targets' mean square finite. */
const TINY = 1e-12;

/** Writes the loss, the sum of its weighted terms; returns its name (a scalar). */
export const writeLoss = (tape: Tape, terms: readonly Term[]): string =>
  terms.map((term) => weighted(tape, term)).reduce((a, b) => tape.op('Add', [a, b], []));

function weighted(tape: Tape, term: Term): string {
  const loss = term.kind === 'cross-entropy' ? crossEntropy(tape, term) : squaredError(tape, term);
  return term.weight === 1 ? loss : tape.op('Mul', [loss, tape.b.number(term.weight)], []);
}

/** −Σ t·log softmax(z), the mean over rows; the targets t are shares that add up to 1. */
function crossEntropy(tape: Tape, { value, target }: Term): string {
  const dims = tape.dims(value);
  const rows = product(dims.slice(0, -1));
  const logs = tape.op('LogSoftmax', [value], dims, [makeAttribute.int('axis', -1)]);
  return mean(tape, tape.op('Mul', [logs, target], dims), -1 / rows);
}

/** The mean of (y − t)², over the mean of t² where errors of several values are to compare. */
function squaredError(tape: Tape, { value, target, kind }: Term): string {
  const { b } = tape;
  const dims = tape.dims(value);
  const count = product(dims);
  const error = tape.op('Sub', [value, target], dims);
  const loss = mean(tape, tape.op('Mul', [error, error], dims), 1 / count);
  if (kind === 'mse') return loss;
  const power = b.scale(b.op('ReduceSumSquare', [target], [makeAttribute.int('keepdims', 0)]), 1 / count);
  return tape.op('Div', [loss, b.add(power, b.number(TINY))], []);
}

const mean = (tape: Tape, x: string, factor: number): string => {
  const sum = tape.op('ReduceSum', [x], [], [makeAttribute.int('keepdims', 0)]);
  return tape.op('Mul', [sum, tape.b.number(factor)], []);
};
