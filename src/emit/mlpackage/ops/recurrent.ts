import { attribute, intAttribute, stringAttribute } from '../../../ir/graph.js';
import type { Node } from '../../../ir/model.js';
import { pick, reorderRows } from '../../weight.js';
import { type Context, range } from '../context.js';
import { flag, floats, text } from '../literal.js';
import type { Literal, Var } from '../program.js';
import type { Family, Lower } from './types.js';

/** Rows of Core ML's gates, as positions in ONNX's order: LSTM i,f,o,g from i,o,f,c; GRU r,o,z from z,r,h. */
const LSTM_GATES = [0, 2, 1, 3];
const GRU_GATES = [1, 2, 0];

interface Recurrence {
  x: Var;
  hidden: number;
  directions: number;
  direction: string;
  gates: number[];
}

/** Shapes and directions; refuses what Core ML's recurrences lack. */
function recurrence(node: Node, c: Context, gates: number[]): Recurrence {
  const x = c.input(0);
  if (intAttribute(node, 'layout', 0) !== 0) c.refuse('batch comes first (layout 1)');
  if (attribute(node, 'clip')) c.refuse('it clips its gates');
  if (node.inputs[4] && c.ints(4)?.some((n) => n !== x.dims[0]) !== false)
    c.refuse('sequences have lengths of their own');
  const direction = stringAttribute(node, 'direction', 'forward');
  const directions = direction === 'bidirectional' ? 2 : 1;
  const functions = attribute(node, 'activations')?.strings.map((s) =>
    new TextDecoder().decode(s).toLowerCase(),
  );
  const expected = (gates.length === 4 ? ['sigmoid', 'tanh', 'tanh'] : ['sigmoid', 'tanh']).join();
  const perDirection = functions?.length ? functions.length / directions : 0;
  for (let d = 0; d < directions && functions?.length; d++)
    if (functions.slice(d * perDirection, (d + 1) * perDirection).join() !== expected)
      c.refuse(`its gates are ${functions.join(', ')}`);
  return { x, hidden: intAttribute(node, 'hidden_size', 0), directions, direction, gates };
}

/** A weight [D, gates·H, …] of one direction in Core ML's order of gates. */
function gateWeight(c: Context, i: number, r: Recurrence, d: number): Var {
  const weight = c.weight(c.node.inputs[i]) ?? c.refuse('its weights are computed');
  return c.constant(reorderRows(pick(weight, d), r.gates));
}

/** Input and recurrent bias [D, 2·gates·H] of one direction, each in Core ML's order. */
function biases(c: Context, r: Recurrence, d: number): [Float32Array, Float32Array] {
  const rows = r.gates.length * r.hidden;
  const all = c.node.inputs[3] ? c.floats(c.node.inputs[3]) : new Float32Array(r.directions * rows * 2);
  if (!all) return c.refuse('its bias is computed');
  const part = (half: number) => {
    const from = (2 * d + half) * rows;
    const data = all.slice(from, from + rows);
    return reorderRows({ dims: [rows], data }, r.gates).data as Float32Array;
  };
  return [part(0), part(1)];
}

const vector = (c: Context, values: Float32Array): Literal => floats(c.float, values, [values.length]);
const sum = (a: Float32Array, b: Float32Array): Float32Array => a.map((v, i) => v + b[i]);

/** State [D, B, H] as Core ML holds it, [B, D·H]. */
function state(c: Context, i: number, r: Recurrence): Var {
  const batch = r.x.dims[1];
  const width = r.directions * r.hidden;
  if (!c.node.inputs[i]) return c.literal(floats(c.float, new Float32Array(batch * width), [batch, width]));
  const given = c.input(i);
  return c.reshape(r.directions === 1 ? given : c.transpose(given, [1, 0, 2]), [batch, width]);
}

/** [S, B, D·H] and [B, D·H] as ONNX gives them: [S, D, B, H] and [D, B, H]. */
function results(c: Context, r: Recurrence, [sequence, ...last]: Var[]): Var[] {
  const [steps, batch] = r.x.dims;
  const { directions, hidden } = r;
  const split = (v: Var, lead: number[]) => c.reshape(v, [...lead, batch, directions, hidden]);
  const turn = (v: Var, rank: number) => c.transpose(v, [...range(rank - 3), rank - 2, rank - 3, rank - 1]);
  const all =
    directions === 1 ? c.reshape(sequence, [steps, 1, batch, hidden]) : turn(split(sequence, [steps]), 4);
  const ends = last.map((v) => (directions === 1 ? c.reshape(v, [1, batch, hidden]) : turn(split(v, []), 3)));
  return [all, ...ends];
}

const lstm: Lower = (node, c) => {
  const r = recurrence(node, c, LSTM_GATES);
  if (node.inputs[7]) return c.refuse('it has peepholes');
  if (intAttribute(node, 'input_forget', 0) === 1) return c.refuse('it couples input and forget gates');
  const [steps, batch] = r.x.dims;
  const width = r.directions * r.hidden;
  const back = r.directions === 2;
  const inputs = {
    x: r.x,
    initial_h: state(c, 5, r),
    initial_c: state(c, 6, r),
    weight_ih: gateWeight(c, 1, r, 0),
    weight_hh: gateWeight(c, 2, r, 0),
    bias: vector(c, sum(...biases(c, r, 0))),
    weight_ih_back: back ? gateWeight(c, 1, r, 1) : undefined,
    weight_hh_back: back ? gateWeight(c, 2, r, 1) : undefined,
    bias_back: back ? vector(c, sum(...biases(c, r, 1))) : undefined,
    direction: text(r.direction),
    output_sequence: flag(true),
    recurrent_activation: text('sigmoid'),
    cell_activation: text('tanh'),
    activation: text('tanh'),
  };
  const state2 = { dims: [batch, width] };
  return results(c, r, c.ops('lstm', inputs, [{ dims: [steps, batch, width] }, state2, state2]));
};

/** linear_before_reset applies the reset gate behind the product: iOS 18's reset_after, with two biases. */
const gru: Lower = (node, c) => {
  const r = recurrence(node, c, GRU_GATES);
  if (r.directions === 2) return c.refuse('Core ML’s gru runs in one direction');
  const after = intAttribute(node, 'linear_before_reset', 0) === 1;
  if (after && c.ios < 18) return c.refuse('linear_before_reset needs iOS 18', '--ios 18');
  const [steps, batch] = r.x.dims;
  const [own, recurrent] = biases(c, r, 0);
  const inputs = {
    x: r.x,
    initial_h: state(c, 5, r),
    weight_ih: gateWeight(c, 1, r, 0),
    weight_hh: gateWeight(c, 2, r, 0),
    bias: vector(c, after ? recurrent : sum(own, recurrent)),
    direction: text(r.direction),
    output_sequence: flag(true),
    recurrent_activation: text('sigmoid'),
    activation: text('tanh'),
    reset_after: after ? flag(true) : undefined,
    input_bias: after ? vector(c, own) : undefined,
  };
  const outputs = [{ dims: [steps, batch, r.hidden] }, { dims: [batch, r.hidden] }];
  return results(c, r, c.ops('gru', inputs, outputs));
};

export const RECURRENT: Family = { LSTM: lstm, GRU: gru };
