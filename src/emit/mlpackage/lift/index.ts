import { invalidError } from '../../../errors.js';
import { dtypeNumber } from '../../../ir/dtypes.js';
import { makeAttribute, makeNode } from '../../../ir/graph.js';
import type { Model, ValueInfo } from '../../../ir/model.js';
import { layoutOf } from '../image.js';
import { floats } from '../literal.js';
import type { Port } from '../lower.js';
import { INTERFACE_KEY } from '../package.js';
import type { Var } from '../program.js';
import { readProgram } from '../read.js';
import { CODES } from './codes.js';
import { ELEMENTWISE } from './elementwise.js';
import { LAYERS } from './layers.js';
import { castTo, Lifter, onnxDtype, refuse } from './lifter.js';
import { MOVEMENT } from './movement.js';
import type { Lifts } from './types.js';

const LIFTS: Lifts = { ...CODES, ...LAYERS, ...ELEMENTWISE, ...MOVEMENT };

/** Opset of the result: float16 Q/DQ came with 19, Gelu with 20. */
const OPSET = 21;

/**
 * Reads a package back as an ONNX model with the interface of the model that it was made from, so that the two can
 * be run on the same samples. It knows of the package nothing but its bytes, and computes in the types it states.
 * @throws QuantizeError PACKAGE_DAMAGED (invalid), PACKAGE_FOREIGN (unsupported)
 */
export function liftPackage(modelFile: Uint8Array, weightFile?: Uint8Array): Model {
  const { program, message } = readProgram(modelFile, weightFile);
  const text = message.description?.metadata?.userDefined.find((e) => e.key === INTERFACE_KEY)?.value;
  if (text === undefined)
    throw invalidError('PACKAGE_FOREIGN', 'the package does not say which model it was made from');
  const { inputs, outputs } = JSON.parse(text) as { inputs: Port[]; outputs: Port[] };
  const l = new Lifter();
  inputs.forEach((port, i) => {
    enter(l, port, program.inputs[i]);
  });
  for (const o of program.operations) (LIFTS[o.type] ?? refuse(o, 'has no form in ONNX'))(o, l);
  outputs.forEach((port, i) => {
    leave(l, port, program.outputs[i]);
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

const valueInfo = ({ name, dtype, dims }: Port): ValueInfo => ({
  name,
  type: { tensor: { elemType: dtypeNumber(dtype), shape: { dims: dims.map((value) => ({ value })) } } },
});

/** From the model's input to the package's: its type, its shape, and for a picture its pixels. */
function enter(l: Lifter, port: Port, to: Var): void {
  let x = port.name;
  if (port.image) {
    const { factor, offset } = port.image;
    if (layoutOf(port.dims) === 'nhwc')
      x = l.step('Transpose', [x], [makeAttribute.ints('perm', [0, 3, 1, 2])]);
    const channels = to.dims[1];
    const spread = (values: number[]) =>
      l.constant(
        floats(
          'fp32',
          Array.from({ length: channels }, (_, i) => values[i % values.length]),
          [1, channels, 1, 1],
        ),
      );
    x = l.step('Div', [l.step('Sub', [x, spread(offset)]), spread(factor)]);
  }
  const typed = l.step('Cast', [x], [castTo(onnxDtype(to.dtype))]);
  l.nodes.push(makeNode('Reshape', [typed, l.shape(to.dims)], [l.name(to)]));
}

function leave(l: Lifter, port: Port, from: Var): void {
  const typed = l.step('Cast', [l.name(from)], [castTo(port.dtype)]);
  l.nodes.push(makeNode('Reshape', [typed, l.shape(port.dims)], [port.name]));
}
