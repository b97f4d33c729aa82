import { MOVEMENT_OPERATORS } from './operators.js';
import type { Target } from './types.js';

/** The machine at hand: its speed is measured by running both models in onnxruntime, its power is not known. */
export const cpu: Target = {
  id: 'cpu',
  name: 'this machine, onnxruntime CPU',
  aliases: [],
  description: 'measured here: the float and the quantized model side by side in onnxruntime',
  timing: 'measured',
  activations: {
    format: 'uint8',
    symmetric: false,
    reason: 'x86 VNNI multiplies unsigned activations by signed weights',
  },
  floatFormat: 'float32',
  kernelOutputs: 'integer',
  peak: {},
  utilisation: {},
  // What onnxruntime's CPU provider fuses with its Q/DQ pairs into integer kernels.
  integerOperators: [
    'Conv',
    'Gemm',
    'MatMul',
    'Add',
    'Mul',
    'AveragePool',
    'GlobalAveragePool',
    'MaxPool',
    'Relu',
    'Clip',
    'LeakyRelu',
    'Sigmoid',
    'Softmax',
    'Resize',
    'Split',
    'Where',
    ...MOVEMENT_OPERATORS,
  ],
  caveats: ['CPU power is not measured', 'CPU latency is of this machine under its present load'],
};
