import { attribute, intAttribute, stringAttribute } from '../../../ir/graph.js';
import type { Node } from '../../../ir/model.js';
import { pick, transposeWeight } from '../../weight.js';
import { range } from '../builder.js';
import type { Context } from '../context.js';
import { dot } from '../product.js';
import type { Value } from '../program.js';
import { weightFloats } from '../weights.js';
import type { Family, Lower } from './types.js';

/** Steps are written out one after the other; beyond this many the text would be all that there is. */
const MAX_STEPS = 1024;

interface Recurrence {
  x: Value;
  hidden: number;
  directions: number;
  /** Whether direction d runs from the last step. */
  backwards(d: number): boolean;
  /** h · Rᵀ and x · Wᵀ of direction d, with their biases (undefined: none). */
  weights(d: number): Gates;
}

interface Gates {
  input(x: Value): Value;
  recurrent(h: Value): Value;
  inputBias?: Value;
  recurrentBias?: Value;
}

/** Shapes and directions; refuses what is not written out here. */
function recurrence(node: Node, c: Context, gates: number): Recurrence {
  const x = c.input(0);
  if (intAttribute(node, 'layout', 0) !== 0) c.refuse('batch comes first (layout 1)');
  if (attribute(node, 'clip')) c.refuse('it clips its gates');
  if (node.inputs[4] && c.ints(4)?.some((n) => n !== x.dims[0]) !== false)
    c.refuse('sequences have lengths of their own');
  if (x.dims[0] > MAX_STEPS) c.refuse(`${x.dims[0]} steps would be written out, ${MAX_STEPS} at most`);
  const direction = stringAttribute(node, 'direction', 'forward');
  const directions = direction === 'bidirectional' ? 2 : 1;
  const functions = attribute(node, 'activations')?.strings.map((s) =>
    new TextDecoder().decode(s).toLowerCase(),
  );
  const expected = gates === 4 ? ['sigmoid', 'tanh', 'tanh'] : ['sigmoid', 'tanh'];
  if (functions?.some((f, i) => f !== expected[i % expected.length]))
    c.refuse(`its gates are ${functions.join(', ')}`);
  const hidden = intAttribute(node, 'hidden_size', 0);
  return {
    x,
    hidden,
    directions,
    backwards: (d) => direction === 'reverse' || d === 1,
    weights: (d) => gatesOf(node, c, d, gates * hidden),
  };
}

function gatesOf(node: Node, c: Context, d: number, rows: number): Gates {
  const matrix = (i: number) => {
    const weight = c.weight(node.inputs[i]) ?? c.refuse('its weights are computed');
    const columns = weightFloats(c, transposeWeight(pick(weight, d), [1, 0]), node.inputs[i], c.compute);
    return (v: Value) => dot(c, c.convert(v, c.compute), columns);
  };
  const bias = (half: number) => {
    if (!node.inputs[3]) return undefined;
    const all = c.floats(node.inputs[3]) ?? c.refuse('its bias is computed');
    const from = (2 * d + half) * rows;
    return c.constant('f32', [rows], all.slice(from, from + rows));
  };
  return { input: matrix(1), recurrent: matrix(2), inputBias: bias(0), recurrentBias: bias(1) };
}

const plus = (c: Context, x: Value, bias?: Value): Value => (bias ? c.add(x, bias) : x);
const sigmoid = (c: Context, x: Value): Value => c.unary('logistic', x);
const tanh = (c: Context, x: Value): Value => c.unary('tanh', x);
/** Gate i of [B, gates·H]. */
const gate = (c: Context, all: Value, i: number, hidden: number): Value =>
  c.part(all, 1, i * hidden, (i + 1) * hidden);

/** State [B, H] of direction d that the node was given, or zeros. */
function state(c: Context, i: number, r: Recurrence, d: number): Value {
  const shape = [r.x.dims[1], r.hidden];
  return c.has(i) ? c.reshape(c.part(c.input(i), 0, d, d + 1), shape) : c.broadcast(c.scalar(0), shape);
}

type Step<S> = (state: S, product: Value) => { state: S; output: Value };

/** All steps of a direction: x · Wᵀ of all of them is one product. */
function run<S>(
  c: Context,
  r: Recurrence,
  d: number,
  gates: Gates,
  first: S,
  step: Step<S>,
): { outputs: Value[]; last: S } {
  const [steps, batch] = r.x.dims;
  const products = plus(c, gates.input(r.x), gates.inputBias);
  const outputs: Value[] = [];
  let current = first;
  for (const t of r.backwards(d) ? range(steps).reverse() : range(steps)) {
    const now = c.reshape(c.part(products, 0, t, t + 1), [batch, products.dims[2]]);
    const next = step(current, now);
    current = next.state;
    outputs[t] = next.output;
  }
  return { outputs, last: current };
}

/** [S, D, B, H], and each last state [D, B, H]. */
function results(c: Context, r: Recurrence, runs: { outputs: Value[]; last: Value[] }[]): Value[] {
  const [, batch] = r.x.dims;
  const sequence = runs.map(({ outputs }) =>
    c.concatenate(
      outputs.map((v) => c.reshape(v, [1, 1, batch, r.hidden])),
      0,
    ),
  );
  const ends = runs[0].last.map((_, i) =>
    c.concatenate(
      runs.map(({ last }) => c.reshape(last[i], [1, batch, r.hidden])),
      0,
    ),
  );
  return [c.concatenate(sequence, 1), ...ends];
}

const lstm: Lower = (node, c) => {
  const r = recurrence(node, c, 4);
  if (node.inputs[7]) return c.refuse('it has peepholes');
  if (intAttribute(node, 'input_forget', 0) === 1) return c.refuse('it couples input and forget gates');
  const runs = range(r.directions).map((d) => {
    const gates = r.weights(d);
    const step: Step<Value[]> = ([h, cell], product) => {
      const all = c.add(product, plus(c, gates.recurrent(h), gates.recurrentBias));
      const [i, o, f] = [0, 1, 2].map((g) => sigmoid(c, gate(c, all, g, r.hidden)));
      const candidate = tanh(c, gate(c, all, 3, r.hidden));
      const next = c.add(c.multiply(f, cell), c.multiply(i, candidate));
      const output = c.multiply(o, tanh(c, next));
      return { state: [output, next], output };
    };
    return run(c, r, d, gates, [state(c, 5, r, d), state(c, 6, r, d)], step);
  });
  return results(c, r, runs);
};

/** linear_before_reset applies the reset gate behind the product, else in front of it. */
const gru: Lower = (node, c) => {
  const r = recurrence(node, c, 3);
  const behind = intAttribute(node, 'linear_before_reset', 0) === 1;
  const runs = range(r.directions).map((d) => {
    const gates = r.weights(d);
    const step: Step<Value[]> = ([h], product) => {
      const all = plus(c, gates.recurrent(h), gates.recurrentBias);
      const sum = (g: number, from: Value) =>
        c.add(gate(c, product, g, r.hidden), gate(c, from, g, r.hidden));
      const [update, reset] = [0, 1].map((g) => sigmoid(c, sum(g, all)));
      const held = behind
        ? c.multiply(reset, gate(c, all, 2, r.hidden))
        : gate(c, plus(c, gates.recurrent(c.multiply(reset, h)), gates.recurrentBias), 2, r.hidden);
      const candidate = tanh(c, c.add(gate(c, product, 2, r.hidden), held));
      const output = c.add(candidate, c.multiply(update, c.subtract(h, candidate)));
      return { state: [output], output };
    };
    return run(c, r, d, gates, [state(c, 5, r, d)], step);
  });
  return results(c, r, runs);
};

export const RECURRENT: Family = { LSTM: lstm, GRU: gru };
