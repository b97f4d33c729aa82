import { type Diagnostic, unsupportedError, usageError } from '../../errors.js';
import type { Dtype } from '../../ir/dtypes.js';
import { links, normalDomain, qualifiedType } from '../../ir/graph.js';
import type { Model, Node } from '../../ir/model.js';
import { topologicalSort } from '../../ir/sort.js';
import type { ValueMeta } from '../../runtime/types.js';
import type { Weight } from '../weight.js';
import { Context, type Floating, isFloating } from './context.js';
import { type Image, imageInput, isImage } from './image.js';
import { ints } from './literal.js';
import { nameValues } from './names.js';
import { lowering } from './ops/index.js';
import { keepCodes, leaveInputs, removeDead } from './passes.js';
import { preciseNodes } from './precision.js';
import type { Ios, MilType, Program, Var } from './program.js';

export interface Settings {
  /** Lowest release that must load the package. */
  ios: Ios;
  /** Type of float inputs and outputs. */
  io: Floating;
  /** What the program computes in; float32 keeps it off the Neural Engine. Default fp16. */
  float?: Floating;
  /** Round the model's inputs even where the first layers are small. */
  roundInputs?: boolean;
  /** Take a picture instead of an array. */
  image?: Image;
  /** Weights by the name of the float constant that stands for them: look-up tables and their like. */
  stored?: ReadonlyMap<string, Weight>;
}

/** One input or output as the package's caller and as the ONNX model know it. */
export interface Port {
  feature: string;
  name: string;
  dtype: Dtype;
  dims: number[];
  image?: Image;
}

export interface Lowered {
  program: Program;
  inputs: Port[];
  outputs: Port[];
  diagnostics: Diagnostic[];
}

/**
 * Turns a model with known shapes (float or Q/DQ) into a program.
 * @param types shape and type of every value
 * @throws QuantizeError COREML_OPERATOR (unsupported), naming every operator that has no form in Core ML; IMAGE_INPUT
 * (usage) where a picture is wanted and no input can be one
 */
export function lower(model: Model, types: Map<string, ValueMeta>, settings: Settings): Lowered {
  const { nodes } = topologicalSort(model.graph.nodes);
  refuseUnknown(nodes);
  const l = links(model.graph);
  const c = new Context(l, types, settings.ios, settings.float ?? 'fp16', settings.stored);
  const names = model.graph.inputs.map((v) => v.name).filter((name) => !l.initializer.has(name));
  if (settings.image && !names.some((name) => isImage(c.dims(name)))) throw noPicture(names);
  const inputs = names.map((name) => bindInput(c, name, settings));
  const precise = preciseNodes(nodes, l);
  for (const node of nodes) {
    c.float = precise.has(node) ? 'fp32' : c.base;
    lowerNode(c, node);
  }
  c.float = c.base;
  const outputs = model.graph.outputs.map((v) => output(c, v.name, settings, inputs));
  const program: Program = { ios: settings.ios, inputs, operations: c.operations, outputs };
  removeDead(program);
  keepCodes(program);
  const diagnostics = settings.roundInputs || !leaveInputs(program) ? [] : [leftInputs];
  if (c.base === 'fp16' && precise.size > 0) diagnostics.push(keptPrecise(precise.size));
  nameValues(program);
  const port = (name: string, { name: feature }: Var): Port => ({
    feature,
    name,
    dtype: types.get(name)?.dtype ?? 'float32',
    dims: c.dims(name),
  });
  return {
    program,
    inputs: names.map((name, i) => ({ ...port(name, inputs[i]), ...imageOf(c, name, settings) })),
    outputs: model.graph.outputs.map((v, i) => port(v.name, outputs[i])),
    diagnostics,
  };
}

const noPicture = (names: string[]) =>
  usageError('IMAGE_INPUT', `no input of the model is a picture (${names.join(', ')})`, {
    hint: 'a picture has 4 axes, one of them of 1 or 3 channels, and comes alone in its batch',
  });

const leftInputs: Diagnostic = {
  level: 'note',
  code: 'INPUT_IN_FLOAT',
  message:
    'the first layers do under 5 % of the multiplications and read the input unrounded: the layout of the measured W8A8 stacks',
};

const keptPrecise = (count: number): Diagnostic => ({
  level: 'note',
  code: 'LOGARITHM_IN_FLOAT32',
  message: `${count} operations compute in float32, off the Neural Engine: logarithms, and the powers that they read, which float16 would take for 0`,
});

const imageOf = (c: Context, name: string, { image }: Settings): { image?: Image } =>
  image && isImage(c.dims(name)) ? { image } : {};

/** All of them at once: who exports wants to know the whole list. */
function refuseUnknown(nodes: readonly Node[]): void {
  const unknown = nodes.filter((n) => normalDomain(n.domain) !== '' || !lowering(n.opType));
  if (unknown.length === 0) return;
  const types = [...new Set(unknown.map(qualifiedType))];
  throw unsupportedError('COREML_OPERATOR', `Core ML has no form of ${types.join(', ')}`, {
    where: { node: unknown[0].name || unknown[0].outputs[0] },
    hint: types.some((t) => ['If', 'Loop', 'Scan'].includes(t))
      ? 'control flow is not exported: give the model one path, or export its parts'
      : 'leave these operators outside the model, or run the quantized ONNX model',
  });
}

function lowerNode(c: Context, node: Node): void {
  if (c.isAbsorbed(node)) return;
  c.node = node;
  const before = c.operations.length;
  const made = lowering(node.opType)!(node, c);
  const values = made === undefined ? [] : Array.isArray(made) ? made : [made];
  const fresh = new Set(c.operations.slice(before).flatMap((o) => o.outputs));
  values.forEach((value, i) => {
    const name = node.outputs[i];
    if (!name) return;
    if (fresh.has(value) && !value.name) value.name = name;
    c.bind(name, value);
  });
  for (const o of c.operations.slice(before))
    for (const v of o.outputs) if (!v.name && !c.constants.has(v)) v.name = `${node.outputs[0]}_${o.type}`;
}

function bindInput(c: Context, name: string, settings: Settings): Var {
  const dims = c.dims(name);
  if (settings.image && isImage(dims)) return imageInput(c, name, dims, settings.image);
  const inner = c.milType(c.dtype(name));
  const outer = portType(inner, settings.io);
  const given: Var = { name, dtype: outer, dims: dims.length ? dims : [1] };
  const typed = c.cast(given, inner);
  c.bind(name, dims.length ? typed : c.op('squeeze', { x: typed, axes: ints([0]) }, []));
  return given;
}

/** What may stand at the interface: floats as asked, int32; bools travel as int32. */
const portType = (inner: MilType, io: Floating): MilType => (isFloating(inner) ? io : 'int32');

/** A value of its own for each output: neither an input nor a constant, nor another output. */
function output(c: Context, name: string, { io }: Settings, inputs: readonly Var[]): Var {
  const value = c.value(name);
  const outer = portType(value.dtype, io);
  const ranked = value.dims.length ? value : c.op('expand_dims', { x: value, axes: ints([0]) }, [1]);
  const typed = c.cast(ranked, outer);
  const isOwn =
    typed !== value || (value.name === name && !inputs.includes(value) && !c.constants.has(value));
  const result = isOwn ? typed : c.op('identity', { x: value }, value.dims);
  if (result !== value && value.name === name) value.name = `${name}_${value.dtype}`;
  result.name = name;
  return result;
}
