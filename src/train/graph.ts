import { type Dtype, dtypeNumber } from '../ir/dtypes.js';
import { makeAttribute, makeNode, nameAllocator, usedNames } from '../ir/graph.js';
import type { Model, Tensor, ValueInfo } from '../ir/model.js';
import { product } from './adjoints/common.js';
import { assembled, sizedInput } from './assemble.js';
import { type Backward, backward, type Cut } from './backward.js';
import { Builder } from './builder.js';
import { type Quantizers, quantizersOf, writeForward } from './forward.js';
import { type Layout, layoutOf } from './layout.js';
import { writeLoss } from './loss.js';
import { roundAtRandom } from './masters.js';
import { clipFactor, direction, type Rates, type Slots } from './optimiser.js';
import { totalOf, unitsOf } from './parameters.js';
import type { Scales } from './quantizers.js';
import { writeIndecision } from './soft-rounding.js';
import { Tape } from './tape.js';
import type { Place, Problem } from './types.js';

/** Names of graph inputs and outputs of our own. State comes in under its name and goes out as `<name>_next`. */
export const STATE = [
  'weights',
  'weights_first',
  'weights_second',
  'scales',
  'scales_first',
  'scales_second',
] as const;
export const next = (name: string): string => `${name}_next`;
export const LOSS = 'loss';
export const NORM = 'gradient_norm';
export const RATES = ['rate', 'scale_rate', 'first_correction', 'second_correction'] as const;
export const SHARE = 'rounding_share';
/** Decides how weights are rounded at random, in each step anew. */
export const DRAW = 'draw';
export const DECISION = ['decision_weight', 'decision_power'] as const;

export interface TrainingGraph {
  model: Model;
  layout: Layout;
  quantizers: Quantizers;
  /** Parameters that the loss does not reach, and the nodes that gradients stop at. */
  frozen: string[];
  cuts: Cut[];
}

interface Forward {
  scaleNames: Map<string, string>;
  /** What says where between two codes weights lie. */
  undecided: string[];
}

/** Inputs of flat vectors cut into the values that the forward graph reads. */
class Writer {
  readonly b: Builder;
  readonly tape: Tape;
  readonly inputs: ValueInfo[] = [];
  readonly constants: Tensor[];

  constructor(
    readonly problem: Problem,
    readonly layout: Layout,
  ) {
    const { graph } = problem.model;
    const learned = new Set(layout.parameters.map((p) => p.name));
    this.constants = graph.initializers.filter((t) => !learned.has(t.name ?? ''));
    const ours = [...STATE, ...STATE.map(next), ...RATES, ...DECISION, LOSS, NORM, SHARE, DRAW];
    this.b = new Builder(nameAllocator(new Set([...usedNames(graph), ...ours])));
    const sizes = new Map(problem.dims);
    for (const t of graph.initializers) sizes.set(t.name ?? '', t.dims);
    this.tape = new Tape(this.b, sizes);
    for (const { name } of graph.inputs) this.input(name, problem.dims.get(name)!, graph);
  }

  input(name: string, dims: number[], graph?: Model['graph'], dtype: Dtype = 'float32'): string {
    const stated = graph?.inputs.find((i) => i.name === name)?.type?.tensor?.elemType;
    this.inputs.push(sizedInput(name, dims, stated ?? dtypeNumber(dtype)));
    return name;
  }

  /** Cuts a vector into values under names of their own. */
  cut(vector: string, places: readonly Place[], nameOf: (place: Place) => string): void {
    if (places.length === 0) return;
    const sizes = this.b.ints(places.map((p) => p.size));
    const parts = this.b.many('Split', [vector, sizes], places.length, [makeAttribute.int('axis', 0)]);
    places.forEach((place, i) => {
      this.b.nodes.push(makeNode('Reshape', [parts[i], this.b.ints(place.dims)], [nameOf(place)]));
      this.tape.sizes.set(nameOf(place), place.dims);
    });
  }

  /** Weights and scales from the state, then the model's own nodes. */
  forward(quantizers: Quantizers, how?: Parameters<typeof writeForward>[4]): Forward {
    const { parameters, scales } = this.layout;
    this.cut(this.input('weights', [totalOf(parameters)]), parameters, (p) => p.name);
    const names = new Map(scales.map((s) => [s.name, this.b.name(`scale of ${s.name}`)]));
    if (scales.length > 0)
      this.cut(this.input('scales', [totalOf(scales)]), scales, (s) => names.get(s.name)!);
    const scaleOf = ({ key, initial, dims }: Scales) => {
      const name = names.get(key) ?? this.b.reals(initial, dims);
      names.set(key, name);
      this.tape.sizes.set(name, dims);
      return name;
    };
    const undecided = writeForward(this.tape, this.problem, quantizers, scaleOf, how);
    return { scaleNames: new Map(scales.map((s) => [s.name, names.get(s.name)!])), undecided };
  }

  model(outputs: string[]): Model {
    return assembled(this.problem.model, {
      nodes: this.b.nodes,
      inputs: this.inputs,
      initializers: [...this.constants, ...this.b.initializers],
      outputs,
    });
  }
}

/** The forward pass as it is trained: inputs of the model, weights and scales → `outputs` and the loss. */
export function forwardGraph(problem: Problem, outputs: string[]): TrainingGraph {
  const quantizers = quantizersOf(problem);
  const layout = layoutOf(problem, quantizers);
  const writer = new Writer(problem, layout);
  writer.forward(quantizers);
  const loss = targets(writer, problem);
  writer.b.nodes.push(makeNode('Identity', [loss], [LOSS]));
  return { model: writer.model([...outputs, LOSS]), layout, quantizers, frozen: [], cuts: [] };
}

/** One step of training: forward, backward, optimiser. State in, state out. */
export function trainingGraph(problem: Problem): TrainingGraph {
  const quantizers = quantizersOf(problem);
  const layout = layoutOf(problem, quantizers);
  const writer = new Writer(problem, layout);
  const { b, tape } = writer;
  const share = problem.settings.annealing ? writer.input(SHARE, []) : undefined;
  const { scaleNames, undecided } = writer.forward(quantizers, {
    share,
    soft: problem.settings.decideCodes,
  });
  const error = targets(writer, problem);
  const loss =
    undecided.length > 0 && problem.settings.decideCodes ? withIndecision(writer, error, undecided) : error;
  const constants = new Map([...writer.constants, ...b.initializers].map((t) => [t.name ?? '', t]));
  const wanted = [...layout.parameters.map((p) => p.name), ...scaleNames.values()];
  const forward = { nodes: tape.nodes, dims: tape.dims, constant: (name: string) => constants.get(name) };
  const back = backward(b, forward, new Map([[loss, b.number(1)]]), wanted);
  const norm = update(writer, back, scaleNames);
  b.nodes.push(makeNode('Identity', [error], [LOSS]), makeNode('Identity', [norm], [NORM]));
  const state = layout.scales.length > 0 ? STATE : STATE.slice(0, 3);
  const frozen = layout.parameters.filter((p) => !back.gradients.has(p.name)).map((p) => p.name);
  return {
    model: writer.model([...state.map(next), LOSS, NORM]),
    layout,
    quantizers,
    frozen,
    cuts: back.cuts,
  };
}

function targets(writer: Writer, { terms }: Problem): string {
  for (const { target, value } of terms) {
    writer.input(target, writer.tape.dims(value));
    writer.tape.sizes.set(target, writer.tape.dims(value));
  }
  return writeLoss(writer.tape, terms);
}

/** The error plus how far codes are from being decided: the mean over all of them, times a weight that the run feeds. */
function withIndecision(writer: Writer, error: string, undecided: readonly string[]): string {
  const { tape } = writer;
  const [weight, power] = DECISION.map((name) => writer.input(name, []));
  for (const name of DECISION) tape.sizes.set(name, []);
  const count = undecided.reduce((n, h) => n + product(tape.dims(h)), 0);
  const sums = undecided.map((h) => writeIndecision(tape, h, power));
  const all = sums.reduce((a, b) => tape.op('Add', [a, b], []));
  const mean = tape.op('Mul', [all, tape.b.number(1 / count)], []);
  return tape.op('Add', [error, tape.op('Mul', [mean, weight], [])], []);
}

/** Puts the gradients one behind the other and takes one step; returns the norm of all of them. */
function update(writer: Writer, { gradients }: Backward, scaleNames: ReadonlyMap<string, string>): string {
  const { b, layout } = writer;
  const { settings } = writer.problem;
  const flat = (places: readonly Place[], nameOf: (p: Place) => string) =>
    b.concat(
      places.map((p) => {
        const gradient = gradients.get(nameOf(p));
        return gradient === undefined ? b.zeros([p.size]) : b.reshape(gradient, [p.size]);
      }),
      0,
    );
  const [rate, scaleRate, firstCorrection, secondCorrection] = RATES;
  const weights = flat(layout.parameters, (p) => p.name);
  const hasScales = layout.scales.length > 0;
  // A step of a scale is relative to it, and so is its gradient.
  const scales = hasScales
    ? [
        b.mul(
          flat(layout.scales, (s) => scaleNames.get(s.name)!),
          'scales',
        ),
      ]
    : [];
  const { factor, norm } = clipFactor(b, [weights, ...scales], settings.clip);
  const rates: Rates = { rate, firstCorrection, secondCorrection };
  for (const name of RATES) if (hasScales || name !== 'scale_rate') writer.input(name, []);
  const take = (
    name: 'weights' | 'scales',
    gradient: string,
    move: (step: string, gain: string) => string,
  ) => {
    const size = [totalOf(layout[name === 'weights' ? 'parameters' : 'scales'])];
    const slots: Slots = { value: name, first: `${name}_first`, second: `${name}_second` };
    writer.input(slots.first, size);
    writer.input(slots.second, size);
    const { step, gain, first, second } = direction(b, settings.optimiser, slots, gradient, factor, rates);
    const results = [move(step, gain), first, second];
    const names = [slots.value, slots.first, slots.second].map(next);
    results.forEach((value, i) => {
      b.rename(value, names[i]);
    });
  };
  const { model, quantized } = writer.problem;
  const units = b.reals(unitsOf(layout.parameters, model.graph.initializers, quantized?.undecided), [
    totalOf(layout.parameters),
  ]);
  take('weights', weights, (step, gain) => {
    const moved = b.sub('weights', b.mul(b.mul(step, units), b.mul(rate, gain)));
    if (settings.masters !== 'bf16') return moved;
    return roundAtRandom(b, moved, totalOf(layout.parameters), writer.input(DRAW, [], undefined, 'uint32'));
  });
  if (hasScales)
    take('scales', scales[0], (step, gain) =>
      b.mul('scales', b.op('Exp', [b.neg(b.mul(step, b.mul(scaleRate, gain)))])),
    );
  return norm;
}
