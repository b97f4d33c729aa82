import { unsupportedError } from '../../errors.js';
import { range } from './builder.js';
import type { Lowered, Port } from './lower.js';
import { denseBytes } from './parse.js';
import {
  type Attributes,
  HLO_TYPES,
  type Operation,
  type Program,
  type Value,
  type WeightArgument,
} from './program.js';
import { repeated } from './repeated.js';
import { denseText } from './text.js';

/**
 * One program of two that differ in their batch alone. What differs is left open: a size of −k stands for k times the
 * batch. Operations whose attributes state such a size take it as an operand instead, worked out from the first input.
 * @throws QuantizeError STABLEHLO_BATCH (unsupported) where the two differ in anything else
 */
export function openBatch(a: Lowered, b: Lowered): Lowered {
  const merger = new Merger(a.program, b.program);
  const ports = (of: readonly Port[], values: readonly Value[]) =>
    of.map((port, i) => ({ ...port, dims: merger.value(values[i]).dims }));
  return {
    program: merger.program(),
    inputs: ports(a.inputs, a.program.inputs),
    outputs: ports(a.outputs, a.program.outputs),
  };
}

function refuse(origin: string, why: string): never {
  throw unsupportedError('STABLEHLO_BATCH', `the batch cannot be left open: ${why}`, {
    where: { node: origin },
    hint: 'leave --dynamic-batch out: the package then takes batches of one size',
  });
}

export const isOpen = (dims: readonly number[]): boolean => dims.some((d) => d < 0);
const same = (a: unknown, b: unknown): boolean => JSON.stringify(a) === JSON.stringify(b);

class Merger {
  private readonly values = new Map<Value, Value>();
  private readonly operations: Operation[] = [];
  private readonly shapes = new Map<string, Value>();
  private readonly batch: [number, number];
  private readonly first: Value;
  private origin = '';

  constructor(
    private readonly a: Program,
    private readonly b: Program,
  ) {
    const at = a.inputs.findIndex((v, i) => v.dims[0] !== b.inputs[i].dims[0]);
    if (at < 0) refuse('', 'no input has one');
    this.batch = [a.inputs[at].dims[0], b.inputs[at].dims[0]];
    this.pair(a.inputs, b.inputs);
    this.first = this.value(a.inputs[at]);
    this.pair(
      a.weights.map((w) => w.value),
      b.weights.map((w) => w.value),
    );
  }

  value = (v: Value): Value => this.values.get(v)!;

  program(): Program {
    const { a, b } = this;
    if (a.weights.length !== b.weights.length || a.operations.length !== b.operations.length)
      refuse('', 'the network is another one for other sizes');
    const weights = a.weights.map((w, i) => this.weight(w, b.weights[i]));
    a.operations.forEach((o, i) => {
      this.operation(o, b.operations[i]);
    });
    return {
      inputs: a.inputs.map(this.value),
      weights,
      operations: this.operations,
      outputs: a.outputs.map(this.value),
    };
  }

  /** A constant that the batch repeats is held once, and repeated by the program. */
  private weight(a: WeightArgument, b: WeightArgument): WeightArgument {
    const open = this.value(a.value);
    if (same(a.value.dims, b.value.dims) && Buffer.compare(a.bytes, b.bytes) === 0)
      return { ...a, value: open };
    this.origin = a.name;
    const [of, other] = [a, b].map(({ value, bytes }) => ({ dims: value.dims, bytes }));
    const { dims, bytes } = repeated(of, other) ?? refuse(a.name, `the constant "${a.name}" depends on it`);
    const value = { dtype: open.dtype, dims };
    this.operations.push(this.repeat(value, open));
    return { ...a, value, bytes };
  }

  /** A constant in the text, likewise. */
  literal(o: Operation, a: Attributes, b: Attributes): Partial<Operation> {
    const [open] = o.results;
    const [p, q] = this.batch;
    const [of, other] = [
      { text: a.value as string, dims: sizesFor(open.dims, p) },
      { text: b.value as string, dims: sizesFor(open.dims, q) },
    ].map(({ text, dims }) => ({ dims, bytes: denseBytes(text, open, HLO_TYPES[open.dtype].bytes) }));
    const { dims, bytes } = repeated(of, other) ?? refuse(o.origin, 'a constant depends on it');
    const value = { dtype: open.dtype, dims };
    this.operations.push({ ...o, attributes: { value: denseText(value, bytes) }, results: [value] });
    return this.repeat(value, open);
  }

  private repeat(value: Value, open: Value): Operation {
    return {
      type: 'stablehlo.dynamic_broadcast_in_dim',
      operands: [value, this.shape(open)],
      attributes: { broadcast_dimensions: range(value.dims.length) },
      results: [open],
      origin: this.origin,
    };
  }

  private pair(a: readonly Value[], b: readonly Value[]): void {
    a.forEach((v, i) => {
      this.values.set(v, { dtype: v.dtype, dims: this.merged(v.dims, b[i].dims) });
    });
  }

  private merged(a: readonly number[], b: readonly number[]): number[] {
    if (a.length !== b.length) refuse(this.origin, 'ranks depend on it');
    return a.map((d, i) => (d === b[i] ? d : -this.multiple(d, b[i])));
  }

  private multiple(a: number, b: number): number {
    const [p, q] = this.batch;
    if (a % p !== 0 || a / p !== b / q) refuse(this.origin, `a size is ${a} for ${p} and ${b} for ${q}`);
    return a / p;
  }

  private operation(a: Operation, b: Operation): void {
    this.origin = a.origin;
    if (a.type !== b.type || a.results.length !== b.results.length)
      refuse(a.origin, 'its steps depend on it');
    this.pair(a.results, b.results);
    const operands = a.operands.map(this.value);
    const results = a.results.map(this.value);
    const whole = { ...a, operands, results };
    const rewrite = isOpen(results[0].dims) || !same(a.attributes, b.attributes) ? OPEN[a.type] : undefined;
    if (rewrite) this.operations.push({ ...whole, ...rewrite(this, whole, a.attributes, b.attributes) });
    else if (same(a.attributes, b.attributes)) this.operations.push(whole);
    else refuse(a.origin, `${a.type} states it`);
  }

  /** Sizes as a tensor: constants, and multiples of the batch. */
  sizes(a: readonly number[], b: readonly number[] = a): Value {
    const dims = this.merged(a, b);
    return this.once(`sizes ${dims}`, () => {
      const parts = dims.map((d) => (d < 0 ? this.times(-d) : this.constant([d])));
      if (parts.length === 1) return parts[0];
      return this.make('concatenate', parts, [dims.length], { dimension: 0 });
    });
  }

  /** The shape of an open value. */
  shape({ dims }: Value): Value {
    const [p, q] = this.batch;
    const at = (n: number) => dims.map((d) => (d < 0 ? -d * n : d));
    return this.sizes(at(p), at(q));
  }

  private times(k: number): Value {
    return this.once(`times ${k}`, () => {
      const size = this.once('batch', () =>
        this.make('get_dimension_size', [this.first], [], { dimension: 0 }),
      );
      const one = this.make('reshape', [size], [1]);
      return k === 1 ? one : this.make('multiply', [one, this.constant([k])], [1]);
    });
  }

  constant(values: number[]): Value {
    const value: Value = { dtype: 'i32', dims: [values.length] };
    return this.make('constant', [], value.dims, { value: denseText(value, Int32Array.from(values)) });
  }

  private make(type: string, operands: Value[], dims: number[], attributes: Attributes = {}): Value {
    const value: Value = { dtype: 'i32', dims };
    const full = `stablehlo.${type}`;
    this.operations.push({ type: full, operands, attributes, results: [value], origin: this.origin });
    return value;
  }

  private once(key: string, make: () => Value): Value {
    const known = this.shapes.get(key) ?? make();
    this.shapes.set(key, known);
    return known;
  }
}

type Rewrite = (m: Merger, o: Operation, a: Attributes, b: Attributes) => Partial<Operation>;

const shaped =
  (type: string): Rewrite =>
  (m, o) => ({ type: `stablehlo.${type}`, operands: [...o.operands, m.shape(o.results[0])] });

const list = (attributes: Attributes, name: string): number[] => attributes[name] as number[];

/** Operations that state sizes, and their forms that take them. */
const OPEN: Record<string, Rewrite> = {
  'stablehlo.constant': (m, o, a, b) => m.literal(o, a, b),
  'stablehlo.reshape': shaped('dynamic_reshape'),
  'stablehlo.broadcast_in_dim': shaped('dynamic_broadcast_in_dim'),
  'stablehlo.iota': shaped('dynamic_iota'),
  'stablehlo.slice': (m, o, a, b) => ({
    type: 'stablehlo.real_dynamic_slice',
    operands: [
      ...o.operands,
      ...['start_indices', 'limit_indices', 'strides'].map((name) => m.sizes(list(a, name), list(b, name))),
    ],
    attributes: {},
  }),
  'stablehlo.gather': (m, o, a, b) => {
    if (same(a, b)) return {};
    const { slice_sizes: _, ...rest } = o.attributes;
    const sizes = m.sizes(list(a, 'slice_sizes'), list(b, 'slice_sizes'));
    return { type: 'stablehlo.dynamic_gather', operands: [...o.operands, sizes], attributes: rest };
  },
};

/** The sizes that open ones have for a batch. */
export const sizesFor = (dims: readonly number[], batch: number): number[] =>
  dims.map((d) => (d < 0 ? -d * batch : d));
