import { invalidError, unsupportedError } from '../../../errors.js';
import { dtypeNumber } from '../../../ir/dtypes.js';
import { makeNode } from '../../../ir/graph.js';
import type { Model, ValueInfo } from '../../../ir/model.js';
import { decode } from '../../../protobuf/decode.js';
import type { Port } from '../lower.js';
import { type Parsed, parseModule } from '../parse.js';
import type { Value } from '../program.js';
import { type NodeMessage, SAVED_MODEL, type SavedModelMessage } from '../schema.js';
import { ELEMENTWISE } from './elementwise.js';
import { LAYERS } from './layers.js';
import { Lifter, refuse } from './lifter.js';
import { MOVEMENT } from './movement.js';
import { refine } from './refine.js';
import type { Lifts } from './types.js';

const LIFTS: Lifts = { ...LAYERS, ...ELEMENTWISE, ...MOVEMENT };

/** Opset of the result: bitwise operators came with 18, casts of 8-bit floats with 19. */
const OPSET = 21;

/**
 * Reads a SavedModel back as an ONNX model: its graph's module and the constants that feed it. It knows nothing of the
 * package but its bytes; the ports give the model's own names to the
 * signature, and a batch to a package that leaves it open.
 * @throws QuantizeError PACKAGE_DAMAGED (invalid), PACKAGE_FOREIGN (unsupported)
 */
export function liftPackage(
  savedModel: Uint8Array,
  { inputs, outputs }: { inputs: Port[]; outputs: Port[] },
): Model {
  const { module, constants } = readGraph(savedModel, inputs.length);
  if (module.parameters.some((v) => v.dims.some((d) => d < 0)))
    refine(
      module,
      inputs.map((p) => p.dims),
    );
  const l = new Lifter();
  inputs.forEach((port, i) => {
    l.rename(module.parameters[i], port.name);
  });
  constants.forEach((bytes, i) => {
    l.tensor(module.parameters[inputs.length + i], bytes);
  });
  for (const o of module.operations) (LIFTS[o.type] ?? refuse(o, 'has no form in ONNX'))(o, l);
  outputs.forEach((port, i) => {
    l.nodes.push(makeNode('Identity', [l.name(module.outputs[i])], [port.name]));
  });
  return {
    irVersion: 10,
    opsetImports: [{ domain: '', version: OPSET }],
    metadata: [],
    functions: [],
    graph: {
      name: 'package',
      nodes: l.nodes,
      inputs: inputs.map(valueInfo),
      outputs: outputs.map(valueInfo),
      valueInfo: [],
      initializers: l.initializers,
      sparseInitializers: [],
    },
  };
}

/** The module that a SavedModel calls, and the bytes of the constants behind its inputs. */
function readGraph(bytes: Uint8Array, inputs: number): { module: Parsed; constants: Uint8Array[] } {
  const message = decode<SavedModelMessage>(SAVED_MODEL, bytes);
  const nodes = message.metaGraphs[0]?.graph?.nodes ?? [];
  const call = nodes.find((n) => n.op === 'XlaCallModule');
  const text = call && attribute(call, 'module')?.string;
  if (!text) throw unsupportedError('PACKAGE_FOREIGN', 'the SavedModel calls no module');
  const module = parseModule(new TextDecoder().decode(text));
  const constants = call.inputs.slice(inputs).map((name, i) => {
    const node = nodes.find((n) => n.name === name && n.op === 'Const');
    const tensor = node && attribute(node, 'value')?.tensor;
    const declared = module.parameters[inputs + i];
    if (!tensor || !declared || !sameShape(tensor.shape?.dims, declared))
      throw invalidError('PACKAGE_DAMAGED', `the constant "${name}" is not what the module takes`);
    return tensor.content ?? new Uint8Array(0);
  });
  return { module, constants };
}

const attribute = (node: NodeMessage, name: string) => node.attributes.find((a) => a.key === name)?.value;
const sameShape = (dims: { size?: number }[] | undefined, value: Value): boolean =>
  (dims ?? []).map((d) => d.size ?? 0).join() === value.dims.join();

const valueInfo = ({ name, dtype, dims }: Port): ValueInfo => ({
  name,
  type: { tensor: { elemType: dtypeNumber(dtype), shape: { dims: dims.map((value) => ({ value })) } } },
});
