import type { Dtype } from '../../ir/dtypes.js';
import { dtypeName } from '../../ir/dtypes.js';
import { floatAttribute, intAttribute, isOp, normalDomain, qualifiedType } from '../../ir/graph.js';
import { elementCount } from '../../ir/tensor.js';
import { TENSORRT_LIMITS } from '../../plan/rules/tensorrt.js';
import { floatType } from '../float-type.js';
import { activationOf, channelAxis, products, weightOf } from '../layers.js';
import type { Grid, Subject } from '../subject.js';
import type { Rule, Spot } from '../types.js';
import { perGrid, smallScale } from './standard.js';

const GUIDE = 'TensorRT developer guide, explicit quantization';
const ERROR = { tensorrt: 'error' } as const;
const WARNING = { tensorrt: 'warning' } as const;

/** Types that its Q/DQ layers take. FP4 and scales of E8M0 need Blackwell. */
const TYPES: readonly (Dtype | undefined)[] = ['int8', 'float8e4m3fn', 'int4', 'float4e2m1'];
const UNSIGNED: readonly (Dtype | undefined)[] = ['uint8', 'uint16', 'uint4', 'uint2'];
const OPSETS = { least: 9, most: 25 };

const isVector = (grid: Grid): boolean => grid.scale !== undefined && elementCount(grid.scale.dims) > 1;

function* otherQuantizers({ scopes }: Subject): Generator<Spot> {
  const taken =
    /^(QLinear\w+|\w+Integer|DynamicQuantizeLinear)$|^com\.microsoft:(Q|DynamicQ|MatMulNBits|MatMulInteger|GatherBlock)/;
  for (const { graph } of scopes)
    for (const node of graph.nodes)
      if (taken.test(qualifiedType(node)))
        yield { message: `${qualifiedType(node)} is not Q/DQ`, node: node.name || node.outputs[0] };
}

function* foreign({ scopes }: Subject): Generator<Spot> {
  for (const { graph } of scopes)
    for (const node of graph.nodes) {
      const domain = normalDomain(node.domain);
      if (domain !== '' && domain !== 'trt')
        yield { message: `${qualifiedType(node)} needs a plugin`, node: node.name || node.outputs[0] };
    }
}

function* quantizedBias(subject: Subject): Generator<Spot> {
  for (const product of products(subject)) {
    const { bias, label, node } = product;
    if (bias?.dq && !isOp(node, 'MatMul'))
      yield { message: `the bias of ${node.opType} is dequantized`, node: label, tensor: bias.name };
  }
}

function* weightAxis(subject: Subject): Generator<Spot> {
  for (const product of products(subject)) {
    const dq = weightOf(product);
    if (!dq?.constant || !isVector(dq) || dq.block > 0) continue;
    const wanted = channelAxis(product, dq.constant);
    const given = dq.axis ?? 1;
    // A Transpose or Reshape between moves the axis.
    const direct = product.sides.some((s) => s.dq === dq && s.name === dq.output);
    if (direct && given !== wanted)
      yield {
        message: `scales lie along axis ${given}, output channels of ${product.node.opType} along ${wanted ?? 'none'}`,
        node: product.label,
        tensor: dq.data,
      };
  }
}

function* mixed(subject: Subject): Generator<Spot> {
  for (const product of products(subject)) {
    const [a, b] = product.sides.map((s) => s.dq?.dtype);
    if (a && b && a !== b && [a, b].every((t) => t === 'int8' || t === 'float8e4m3fn'))
      yield { message: `${product.node.opType} multiplies ${a} by ${b}`, node: product.label };
  }
}

function* fourBits(subject: Subject): Generator<Spot> {
  const { blocks } = TENSORRT_LIMITS;
  for (const product of products(subject)) {
    const dq = weightOf(product);
    if (dq?.dtype !== 'int4' || !dq.constant) continue;
    const spot = (message: string) => ({ message, node: product.label, tensor: dq.data });
    if (!isOp(product.node, 'MatMul', 'Gemm')) yield spot(`4-bit weights of ${product.node.opType}`);
    else if (!blocks.includes(dq.block))
      yield spot(
        dq.block
          ? `blocks of ${dq.block}, not ${blocks.join(' or ')}`
          : '4-bit weights that are not in blocks',
      );
    else if (dq.constant.dims.at(-1)! % 2) yield spot(`an odd last axis of ${dq.constant.dims.at(-1)} codes`);
    if (activationOf(product)) yield spot('4-bit weights with quantized activations');
  }
}

export const TENSORRT: readonly Rule[] = [
  {
    id: 'trt-unsigned',
    what: 'codes are signed',
    why: 'no GPU kernel takes unsigned codes, and the parser refuses them',
    fix: 'quantize to int8 with ranges centred on zero (--target h100)',
    source: GUIDE,
    for: ERROR,
    check: perGrid((g, scope) => scope.leads(g) && UNSIGNED.includes(g.dtype) && `its codes are ${g.dtype}`),
  },
  {
    id: 'trt-zero-point',
    what: 'zero points are zero',
    why: 'tensor cores have no term for a zero point',
    fix: 'centre ranges on zero (--symmetric)',
    source: GUIDE,
    for: ERROR,
    check: perGrid((g, scope) => scope.leads(g) && !g.zeroIsZero && 'its zero point is not zero'),
  },
  {
    id: 'trt-operators',
    what: 'quantization is written in Q/DQ',
    why: 'operators that compute on codes themselves are not supported',
    fix: 'export the model in QDQ form',
    source: 'onnx-tensorrt, supported operators',
    for: ERROR,
    check: otherQuantizers,
  },
  {
    id: 'trt-plugin',
    what: 'operators are of the standard domain',
    why: 'the parser finds no layer for others, unless a plugin of that name is there',
    fix: 'write the operator in terms of ONNX’s own',
    source: 'onnx-tensorrt, supported operators',
    for: WARNING,
    check: foreign,
  },
  {
    id: 'trt-bias',
    what: 'biases stay float',
    why: 'kernels add the bias in float; a DQ of 32 bits is not a layer that TensorRT has',
    fix: 'store the bias as a float constant',
    source: GUIDE,
    for: ERROR,
    check: quantizedBias,
  },
  {
    id: 'trt-type',
    what: 'codes are INT8, FP8 E4M3, INT4 or FP4',
    why: 'the parser refuses other types',
    fix: 'choose --scheme int8-perchannel, fp8-perchannel or int4-block128',
    source: GUIDE,
    for: ERROR,
    check: perGrid((g, scope) => {
      const known = [...TYPES, ...UNSIGNED, 'int32', undefined].includes(g.dtype);
      return scope.leads(g) && !known && `its codes are ${g.dtype}`;
    }),
  },
  {
    id: 'trt-activation-scale',
    what: 'activations have one scale a tensor',
    why: 'scales that vary along the axis that is summed cannot leave the sum',
    fix: 'quantize activations per tensor; channels only of weights',
    source: GUIDE,
    for: ERROR,
    check: perGrid(
      (grid, scope) =>
        grid.quantizes &&
        isVector(grid) &&
        !scope.isFixed(grid.data) &&
        `${grid.scales?.length} scales on an activation`,
    ),
  },
  {
    id: 'trt-axis-written',
    what: 'an axis is written wherever there is more than one scale',
    why: 'where it is missing the parser takes axis 0 and ONNX means axis 1',
    fix: 'write the axis attribute',
    source: 'onnx-tensorrt, QuantizeLinear',
    for: ERROR,
    check: perGrid((grid) => isVector(grid) && grid.axis === undefined && 'several scales and no axis'),
  },
  {
    id: 'trt-weight-axis',
    what: 'scales of weights lie along output channels',
    why: 'along the axis that is summed no kernel takes them',
    fix: 'axis 0 for Conv, 1 for ConvTranspose and [K, N] matrices, 0 for Gemm with transB',
    source: GUIDE,
    for: ERROR,
    check: weightAxis,
  },
  {
    id: 'trt-scale-type',
    what: 'scales have the float type of what they scale',
    why: 'networks are strongly typed: float16 by a float32 scale does not build',
    fix: 'store each scale in the float type of the values that it scales',
    source: 'NVIDIA/Model-Optimizer#118',
    for: ERROR,
    check: perGrid((grid, scope) => {
      const around = grid.quantizes ? floatType(scope, grid.data) : undefined;
      const own = dtypeName(grid.scale?.dataType);
      return around !== undefined && own !== undefined && own !== around && `${around} values, ${own} scale`;
    }),
  },
  {
    id: 'trt-scale-digits',
    what: 'scales keep eight digits',
    why: 'below 2⁻¹⁷ a float16 is coarser than codes of eight bits; GPUs flush none of them to zero',
    fix: 'raise the scale to 2⁻¹⁷, or write it in bfloat16 or float32 (--high-precision)',
    source: 'IEEE 754: float16 counts in steps of 2⁻²⁴',
    for: WARNING,
    check: perGrid(smallScale(2 ** -17)),
  },
  {
    id: 'trt-mixed',
    what: 'both sides of a product have one type',
    why: 'tensor cores multiply FP8 by FP8 or INT8 by INT8',
    fix: 'quantize both sides alike',
    source: GUIDE,
    for: ERROR,
    check: mixed,
  },
  {
    id: 'trt-int4',
    what: '4-bit weights belong to MatMul or Gemm, in blocks of 64 or 128, with float activations',
    why: 'there are kernels for nothing else',
    fix: 'choose --scheme int4-block128',
    source: 'TensorRT developer guide, weight-only quantization',
    for: ERROR,
    check: fourBits,
  },
  {
    id: 'trt-block-axis',
    what: 'blocks run along the last axis or the one before',
    why: 'block scales are read along the rows of a matrix',
    fix: 'lay the weight out as a matrix',
    source: GUIDE,
    for: ERROR,
    check: perGrid(({ block, axis, constant }) => {
      if (block === 0 || !constant) return false;
      const rank = constant.dims.length;
      const at = (axis ?? 1) < 0 ? rank + (axis ?? 1) : (axis ?? 1);
      return at < rank - 2 && `blocks along axis ${at} of ${rank}`;
    }),
  },
  {
    id: 'trt-saturate',
    what: 'FP8 saturates',
    why: 'hardware clips at ±448, where saturate = 0 would make NaN',
    fix: 'remove saturate = 0',
    source: 'ONNX float8 types',
    for: ERROR,
    check: perGrid(
      ({ node, quantizes }) => quantizes && intAttribute(node, 'saturate', 1) === 0 && 'saturate is 0',
    ),
  },
  {
    id: 'trt-opset',
    what: `the opset is one of ${OPSETS.least} to ${OPSETS.most}`,
    why: 'the parser knows no other',
    fix: 'export for opset 21',
    source: 'TensorRT 11.1 release notes',
    for: ERROR,
    *check({ opset }) {
      if (opset < OPSETS.least || opset > OPSETS.most) yield { message: `the model states opset ${opset}` };
    },
  },
  {
    id: 'trt-gemm-factor',
    what: 'a quantized Gemm has alpha = beta = 1',
    why: 'other factors keep the product from being one kernel with its scales',
    fix: 'fold alpha into the weight and beta into the bias',
    source: 'onnx-tensorrt, Gemm',
    for: WARNING,
    *check(subject) {
      for (const p of products(subject))
        if (
          isOp(p.node, 'Gemm') &&
          p.sides.every((s) => s.dq) &&
          (floatAttribute(p.node, 'alpha', 1) !== 1 || (p.bias && floatAttribute(p.node, 'beta', 1) !== 1))
        )
          yield { message: 'alpha or beta is not 1', node: p.label };
    },
  },
];
