import { macsOf, totalMacs } from './macs.js';
import {
  type Argument,
  argument,
  isLiteral,
  isVars,
  type Literal,
  type Operation,
  type Program,
  readsOf,
  type Var,
} from './program.js';

/** Operations that only move values, and take 8-bit codes from iOS 17 on. */
const MOVES: Readonly<Record<string, string>> = {
  reshape: 'x',
  transpose: 'x',
  squeeze: 'x',
  expand_dims: 'x',
  slice_by_index: 'x',
};

/**
 * Layers that read the model's input and do less than this share of its multiplications read it in floats: the layout
 * that is measured at 1.88 times the float16 rate (float16 in → [convolution → quantize → dequantize] × n), without the
 * rounding of the input and the two passes over it.
 */
const SMALL_SHARE = 0.05;

/** Who makes each value, and which operations read it. */
class Flow {
  readonly maker = new Map<Var, Operation>();
  private readonly readers = new Map<Var, Operation[]>();

  constructor(readonly program: Program) {
    for (const o of program.operations) {
      for (const v of o.outputs) this.maker.set(v, o);
      for (const v of new Set(readsOf(o))) this.readers.set(v, [...(this.readers.get(v) ?? []), o]);
    }
  }

  made(value: Var | undefined, type: string): Operation | undefined {
    const o = value && this.maker.get(value);
    return o?.type === type ? o : undefined;
  }

  reads(value: Var): Operation[] {
    return this.readers.get(value) ?? [];
  }

  /** The constant behind an argument. */
  literal(o: Operation, name: string): Literal | undefined {
    const bound = argument(o, name);
    return bound && this.made(bound, 'const')?.attributes.find(([n]) => n === 'val')?.[1];
  }
}

/** Activations stay codes through what only moves them; pairs that undo each other go. */
export function keepCodes(program: Program): void {
  pushDequantize(program);
  cancelPairs(program);
  removeDead(program);
}

/** dequantize → move becomes move → dequantize: the same numbers, half the bytes moved. */
function pushDequantize(program: Program): void {
  const flow = new Flow(program);
  const result: Operation[] = [];
  for (const o of program.operations) {
    const views = MOVES[o.type] ? [argument(o, MOVES[o.type])] : o.type === 'concat' ? concatenated(o) : [];
    const sources = views.map((v) => flow.made(v, 'dequantize'));
    const [first] = sources;
    result.push(o);
    if (!first || !sources.every((s) => s && sameGrid(flow, s, first)) || argument(first, 'axis')) continue;
    const codes = sources.map((s) => argument(s!, 'input')!);
    const moved: Var = { name: '', dtype: codes[0].dtype, dims: o.outputs[0].dims };
    bind(o, o.type === 'concat' ? 'values' : MOVES[o.type], o.type === 'concat' ? codes : codes[0]);
    const behind = {
      ...first,
      inputs: first.inputs.map(([n, a]): [string, Argument] => [n, n === 'input' ? moved : a]),
    };
    behind.outputs = o.outputs;
    o.outputs = [moved];
    flow.maker.set(moved, o);
    for (const v of behind.outputs) flow.maker.set(v, behind);
    result.push(behind);
  }
  program.operations = result;
}

function concatenated(o: Operation): Var[] {
  const bound = o.inputs.find(([name]) => name === 'values')?.[1];
  return bound && isVars(bound) ? [...bound] : [];
}

function bind(o: Operation, name: string, to: Argument): void {
  o.inputs = o.inputs.map(([n, a]) => [n, n === name ? to : a]);
}

/** quantize(dequantize(codes)) on one grid is codes. */
function cancelPairs(program: Program): void {
  const flow = new Flow(program);
  for (const o of program.operations) {
    if (o.type !== 'quantize') continue;
    const source = flow.made(argument(o, 'input'), 'dequantize');
    const codes = source && argument(source, 'input');
    if (codes?.dtype === o.outputs[0].dtype && sameGrid(flow, o, source!))
      replace(program, o.outputs[0], codes);
  }
}

const GRID = ['scale', 'zero_point', 'axis'];
const sameGrid = (flow: Flow, a: Operation, b: Operation): boolean =>
  GRID.every((name) => equal(flow.literal(a, name), flow.literal(b, name)));

const equal = (a: Literal | undefined, b: Literal | undefined): boolean =>
  a === b || (a !== undefined && b !== undefined && Buffer.from(a.bytes).equals(b.bytes));

/**
 * Lets small first layers read the input in floats (SMALL_SHARE).
 * @returns whether it did
 */
export function leaveInputs(program: Program): boolean {
  const flow = new Flow(program);
  const total = totalMacs(program);
  let changed = false;
  for (const q of program.operations.filter((o) => o.type === 'quantize')) {
    const input = argument(q, 'input')!;
    if (!isEntry(flow, input)) continue;
    const views = flow.reads(q.outputs[0]);
    if (views.some((v) => v.type !== 'dequantize')) continue;
    const layers = views.flatMap((v) => flow.reads(v.outputs[0]));
    const share = layers.reduce((n, o) => n + macsOf(o), 0) / Math.max(total, 1);
    if (share >= SMALL_SHARE) continue;
    for (const v of views) replace(program, v.outputs[0], input);
    changed = true;
  }
  if (changed) removeDead(program);
  return changed;
}

/** What a function input becomes before the first layer: a cast, the scale and bias of an image. */
function isEntry(flow: Flow, value: Var): boolean {
  if (flow.program.inputs.includes(value)) return true;
  const maker = flow.maker.get(value);
  const x = maker && ['cast', 'mul', 'add'].includes(maker.type) ? argument(maker, 'x') : undefined;
  return x !== undefined && maker!.origin === '' && isEntry(flow, x);
}

function replace(program: Program, from: Var, to: Var): void {
  const swap = (a: Argument): Argument =>
    isVars(a) ? a.map((v) => (v === from ? to : v)) : a === from ? to : a;
  for (const o of program.operations) o.inputs = o.inputs.map(([n, a]) => [n, isLiteral(a) ? a : swap(a)]);
}

/** Drops operations that nothing reads. */
export function removeDead(program: Program): void {
  const read = new Set(program.outputs);
  const kept: Operation[] = [];
  for (const o of program.operations.toReversed()) {
    if (!o.outputs.some((v) => read.has(v))) continue;
    for (const v of readsOf(o)) read.add(v);
    kept.push(o);
  }
  program.operations = kept.reverse();
}
