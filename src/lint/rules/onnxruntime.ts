import type { Dtype } from '../../ir/dtypes.js';
import { intAttribute, isOp, opsetVersion } from '../../ir/graph.js';
import { products } from '../layers.js';
import { grids, type Subject } from '../subject.js';
import type { Rule, Spot } from '../types.js';
import { perGrid } from './standard.js';

const SOURCE = 'onnxruntime 1.30, CPU provider, as run';
const isFloat8 = (dtype: Dtype | undefined): boolean =>
  dtype?.startsWith('float8') === true && dtype !== 'float8e8m0';
const isTwoBits = (dtype: Dtype | undefined): boolean => dtype === 'int2' || dtype === 'uint2';

function* floatEight(subject: Subject): Generator<Spot> {
  for (const product of products(subject))
    if (isOp(product.node, 'MatMul', 'Gemm') && product.sides.every((s) => isFloat8(s.dq?.dtype)))
      yield { message: `${product.node.opType} between FP8 pairs`, node: product.label };
  for (const { grid, scope } of grids(subject)) {
    const maker = grid.quantizes && isFloat8(grid.dtype) && scope.links.producer.get(grid.data);
    if (maker && isOp(maker, 'Clip', 'Relu'))
      yield { message: `an FP8 pair behind ${maker.opType}`, node: grid.label, tensor: grid.data };
  }
}

function* twoBits(subject: Subject): Generator<Spot> {
  for (const { node, label, sides } of products(subject)) {
    const [fed, fixed] = [false, true].map((is) => sides.find((s) => s.fixed === is)?.dq);
    if (isOp(node, 'Conv', 'MatMul') && fed && isTwoBits(fixed?.dtype))
      yield { message: `${node.opType} multiplies ${fixed!.dtype} with ${fed.dtype}`, node: label };
  }
}

function* unsignedSides(subject: Subject): Generator<Spot> {
  for (const product of products(subject)) {
    const [a, b] = product.sides;
    const dtypes = [a, b].map((s) => s?.dq?.dtype);
    if (dtypes[0] === 'int8' && dtypes[1] === 'uint8')
      yield { message: `${product.node.opType} multiplies int8 by uint8`, node: product.label };
  }
}

export const ONNXRUNTIME: readonly Rule[] = [
  {
    id: 'ort-fp8-product',
    what: 'FP8 pairs do not surround MatMul or Gemm, nor follow a Clip or Relu',
    why: 'optimisation takes them for integers and makes a kernel of them that does not exist: the model does not open',
    fix: 'write it with --encoding exec, or open it at the basic level of optimisation',
    source: SOURCE,
    for: { onnxruntime: 'error' },
    check: floatEight,
  },
  {
    id: 'ort-type',
    what: 'there are kernels for the types in use',
    why: 'the CPU provider does not dequantize FP4',
    fix: 'write it with --encoding exec',
    source: SOURCE,
    for: { onnxruntime: 'error' },
    check: perGrid(({ dtype }) => dtype === 'float4e2m1' && `its codes are ${dtype}`),
  },
  {
    id: 'ort-two-bits',
    what: 'no product reads weights of two bits beside rounded activations',
    why: 'optimisation takes them for 8-bit weights and makes a kernel of them that does not exist: the model does not open',
    fix: 'store the codes in four bits',
    source: SOURCE,
    for: { onnxruntime: 'error' },
    check: twoBits,
  },
  {
    id: 'ort-output-type',
    what: 'a DQ makes the type of its scale',
    why: 'the CPU provider has no kernel that makes another',
    fix: 'remove output_dtype, and store the scale in the type that is wanted',
    source: SOURCE,
    for: { onnxruntime: 'error' },
    check: perGrid(({ node, quantizes, scale }) => {
      const output = intAttribute(node, 'output_dtype', 0);
      return (
        !quantizes &&
        output !== 0 &&
        scale !== undefined &&
        output !== scale.dataType &&
        'output_dtype is not the type of the scale'
      );
    }),
  },
  {
    id: 'ort-signed-unsigned',
    what: 'int8 activations have int8 weights',
    why: 'no kernel multiplies signed activations by unsigned weights: the product runs in float',
    fix: 'use uint8 activations, or int8 weights',
    source: 'onnxruntime, quantization guide: U8U8, U8S8 and S8S8',
    for: { onnxruntime: 'warning' },
    check: unsignedSides,
  },
  {
    id: 'ort-foreign-pairs',
    what: 'com.microsoft pairs are declared',
    why: 'an operator of a domain that is not imported is not found',
    fix: 'import com.microsoft, or use the standard domain from opset 21 on',
    source: 'ONNX IR specification, opset imports',
    for: { onnxruntime: 'error' },
    *check({ model, scopes }) {
      if (opsetVersion(model, 'com.microsoft') > 0) return;
      for (const { graph } of scopes)
        for (const node of graph.nodes)
          if (node.domain === 'com.microsoft')
            yield {
              message: `${node.opType} of com.microsoft, which is not imported`,
              node: node.name || node.outputs[0],
            };
    },
  },
];
