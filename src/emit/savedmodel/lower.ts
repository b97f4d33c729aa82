import { unsupportedError } from '../../errors.js';
import type { Dtype } from '../../ir/dtypes.js';
import { links, normalDomain, qualifiedType } from '../../ir/graph.js';
import type { Model, Node } from '../../ir/model.js';
import { topologicalSort } from '../../ir/sort.js';
import type { ValueMeta } from '../../runtime/types.js';
import type { Weight } from '../weight.js';
import { type Compute, Context } from './context.js';
import { lowering } from './ops/index.js';
import { type HloType, hloTypeOf, type Operation, type Program, type Value } from './program.js';

export interface Settings {
  /** What products of floats are computed in. Default bf16. */
  compute?: Compute;
  /** Weights by the name of the float constant that stands for them: look-up tables and their like. */
  stored?: ReadonlyMap<string, Weight>;
  /** The same model with two other batches: what differs between them is left open in the package. */
  batches?: readonly [Sized, Sized];
}

/** A model whose shapes are all known. */
export interface Sized {
  model: Model;
  types: Map<string, ValueMeta>;
}

/** One input or output as the package's caller knows it. */
export interface Port {
  name: string;
  dtype: Dtype;
  dims: number[];
}

export interface Lowered {
  program: Program;
  inputs: Port[];
  outputs: Port[];
}

/**
 * Turns a model with known shapes (float or Q/DQ) into a program whose interface is the model's.
 * @param types shape and type of every value
 * @throws QuantizeError STABLEHLO_OPERATOR (unsupported), naming every operator that has no form in StableHLO
 */
export function lower(model: Model, types: Map<string, ValueMeta>, settings: Settings): Lowered {
  const { nodes } = topologicalSort(model.graph.nodes);
  refuseUnknown(nodes);
  const l = links(model.graph);
  const c = new Context(l, types, settings.compute ?? 'bf16', settings.stored);
  const port = (name: string): Port => ({
    name,
    dtype: types.get(name)?.dtype ?? 'float32',
    dims: c.dims(name),
  });
  const inputs = model.graph.inputs
    .map((v) => v.name)
    .filter((name) => !l.initializer.has(name))
    .map(port);
  const outputs = model.graph.outputs.map((v) => port(v.name));
  const given = inputs.map((p) => bindInput(c, p));
  for (const node of nodes) lowerNode(c, node);
  const results = outputs.map((p) => c.convert(c.value(p.name), portType(c, p)));
  const program = { inputs: given, weights: c.weights, operations: c.operations, outputs: results };
  removeDead(program);
  return { program, inputs, outputs };
}

/** All of them at once: who exports wants to know the whole list. */
function refuseUnknown(nodes: readonly Node[]): void {
  const unknown = nodes.filter((n) => normalDomain(n.domain) !== '' || !lowering(n.opType));
  if (unknown.length === 0) return;
  const types = [...new Set(unknown.map(qualifiedType))];
  throw unsupportedError('STABLEHLO_OPERATOR', `there is no StableHLO form of ${types.join(', ')} here`, {
    where: { node: unknown[0].name || unknown[0].outputs[0] },
    hint: types.some((t) => ['If', 'Loop', 'Scan'].includes(t))
      ? 'control flow is not exported: give the model one path, or export its parts'
      : 'leave these operators outside the model, or run the quantized ONNX model',
  });
}

function lowerNode(c: Context, node: Node): void {
  c.node = node;
  c.origin = node.name || node.outputs[0];
  const made = lowering(node.opType)!(node, c);
  const values = made === undefined ? [] : Array.isArray(made) ? made : [made];
  values.forEach((value, i) => {
    if (node.outputs[i]) c.bind(node.outputs[i], value);
  });
}

/** Floats and integers have one type inside; the interface keeps the model's. */
function bindInput(c: Context, { name, dtype, dims }: Port): Value {
  const given: Value = { dtype: portType(c, { name, dtype, dims }), dims };
  c.bind(name, c.convert(given, c.inner(dtype)));
  return given;
}

const portType = (c: Context, { name, dtype }: Port): HloType =>
  hloTypeOf(dtype) ?? c.refuse(`"${name}" is ${dtype}, which has no place at the interface`);

/** Drops operations and weights that no output needs. */
function removeDead(program: Program): void {
  const needed = new Set(program.outputs);
  const kept: Operation[] = [];
  for (const o of program.operations.toReversed()) {
    if (!o.results.some((v) => needed.has(v))) continue;
    for (const v of o.operands) needed.add(v);
    kept.push(o);
  }
  program.operations = kept.reverse();
  program.weights = program.weights.filter((w) => needed.has(w.value));
}
