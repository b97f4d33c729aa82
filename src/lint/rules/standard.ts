import { type Dtype, dtypeBits, dtypeName } from '../../ir/dtypes.js';
import { isOp } from '../../ir/graph.js';
import { elementCount, tensorBytes } from '../../ir/tensor.js';
import { type Grid, grids, type Scope, type Subject } from '../subject.js';
import type { Rule, Spot } from '../types.js';

const ONNX = 'ONNX operators QuantizeLinear and DequantizeLinear';
const EVERYWHERE = { tensorrt: 'error', coreml: 'error', tflite: 'error', onnxruntime: 'error' } as const;

/** A rule about single Q and DQ nodes: what is wrong with one, or nothing. */
type PerGrid = (grid: Grid, scope: Scope, subject: Subject) => string | false | undefined;

export const perGrid = (test: PerGrid) =>
  function* (subject: Subject): Generator<Spot> {
    for (const { grid, scope } of grids(subject)) {
      const message = test(grid, scope, subject);
      if (message) yield { message, node: grid.label, tensor: grid.data };
    }
  };

/** Lowest opset whose Q/DQ take a type; 10 for those not listed. */
const SINCE: Partial<Record<Dtype, number>> = {
  float8e4m3fn: 19,
  float8e4m3fnuz: 19,
  float8e5m2: 19,
  float8e5m2fnuz: 19,
  int4: 21,
  uint4: 21,
  int16: 21,
  uint16: 21,
  float4e2m1: 23,
  int2: 25,
  uint2: 25,
};

function lowestOpset({ dtype, block, scale }: Grid): number {
  const vector = scale !== undefined && elementCount(scale.dims) > 1;
  return Math.max((dtype && SINCE[dtype]) ?? 10, vector ? 13 : 10, block > 0 ? 21 : 10);
}

function wrongAxis({ axis, scale, constant, block }: Grid): string | undefined {
  if (!scale || !constant || scale.dims.length === 0) return undefined;
  const rank = constant.dims.length;
  const at = (axis ?? 1) < 0 ? rank + (axis ?? 1) : (axis ?? 1);
  if (elementCount(scale.dims) === 1 && block === 0) return undefined;
  if (at < 0 || at >= rank) return `axis ${axis} of ${rank} axes`;
  const expected = block > 0 ? Math.ceil(constant.dims[at] / block) : constant.dims[at];
  const given = block > 0 ? scale.dims[at] : scale.dims[0];
  return given === expected ? undefined : `${given} scales along axis ${at}, whose size asks for ${expected}`;
}

function pairDiffers(grid: Grid, scope: Scope): string | undefined {
  const q = grid.quantizes ? undefined : scope.gridOf(grid.data);
  if (!q?.quantizes || !q.scales || !grid.scales) return undefined;
  if (q.scales.length === grid.scales.length && q.scales.every((s, i) => s === grid.scales![i]))
    return undefined;
  return `its scale ${grid.scales[0]} is not that of "${q.label}", ${q.scales[0]}`;
}

/** NaN codes of E4M3FN, and every code of E5M2 from infinity on. */
const isSpecial = (dtype: Dtype | undefined, byte: number): boolean =>
  dtype === 'float8e4m3fn' ? (byte & 0x7f) === 0x7f : dtype === 'float8e5m2' && (byte & 0x7f) >= 0x7c;

const specialCodes = ({ quantizes, constant, dtype }: Grid): string | false =>
  !quantizes &&
  constant !== undefined &&
  dtype !== undefined &&
  dtypeBits(dtype) === 8 &&
  tensorBytes(constant).some((b) => isSpecial(dtype, b)) &&
  `"${constant.name}" holds codes that are infinite or not a number`;

/** What the standard itself asks: breaches are wrong whoever reads the model. */
export const STANDARD: readonly Rule[] = [
  {
    id: 'qdq-scale',
    what: 'scales are positive and finite',
    why: 'a scale of zero, below zero or not a number makes every value behind it meaningless',
    fix: 'calibrate again, with samples on which the tensor is not constant',
    source: ONNX,
    for: EVERYWHERE,
    check: perGrid(({ scales }) => {
      const bad = scales?.find((s) => !(s > 0 && Number.isFinite(s)));
      return bad !== undefined && `a scale is ${bad}`;
    }),
  },
  {
    id: 'qdq-scale-constant',
    what: 'scales are constants',
    why: 'compilers fold them into kernels, which cannot wait for a scale that is computed in each run',
    fix: 'quantize statically, with calibration data',
    source: 'TensorRT developer guide, explicit quantization; Core ML MIL quantize',
    for: { ...EVERYWHERE, onnxruntime: 'warning' },
    check: perGrid(({ constantScale }) => !constantScale && 'its scale depends on what is fed'),
  },
  {
    id: 'qdq-zero-type',
    what: 'the zero point has the type of the codes',
    why: 'the two are subtracted, and the zero point states the type that a Q makes',
    fix: 'store the zero point in the type of the codes',
    source: ONNX,
    for: EVERYWHERE,
    check: perGrid(({ zero, constant, quantizes }) => {
      if (!zero || !constant || quantizes || zero.dataType === constant.dataType) return false;
      return `its zero point is ${dtypeName(zero.dataType)}, its codes are ${dtypeName(constant.dataType)}`;
    }),
  },
  {
    id: 'qdq-zero-count',
    what: 'there are as many zero points as scales',
    why: 'each scale has its own',
    fix: 'give the zero point the shape of the scale',
    source: ONNX,
    for: EVERYWHERE,
    check: perGrid(({ zero, scale }) => {
      if (!zero || !scale) return false;
      const [zeros, scales] = [zero, scale].map((t) => elementCount(t.dims));
      return zeros !== scales && `${zeros} zero points for ${scales} scales`;
    }),
  },
  {
    id: 'qdq-axis',
    what: 'scales fit the axis that they lie along',
    why: 'values would get the scales of other channels, or none',
    fix: 'set axis to the axis that the scales count',
    source: ONNX,
    for: EVERYWHERE,
    check: perGrid((grid) => wrongAxis(grid)),
  },
  {
    id: 'qdq-opset',
    what: 'the opset knows the types and attributes in use',
    why: 'a reader that keeps to the stated opset refuses them: FP8 needs 19, blocks and 4 bits 21',
    fix: 'state the opset, and mend the operators that changed their meaning on the way',
    source: ONNX,
    for: EVERYWHERE,
    check: perGrid((grid, _, { opset }) => {
      const least = lowestOpset(grid);
      return (
        opset < least &&
        grid.node.domain !== 'com.microsoft' &&
        `needs opset ${least}, the model states ${opset}`
      );
    }),
  },
  {
    id: 'qdq-pair-scale',
    what: 'a Q and the DQ that reads it have one scale',
    why: 'the pair would multiply every value by the ratio',
    fix: 'use one scale for both',
    source: ONNX,
    for: EVERYWHERE,
    check: perGrid(pairDiffers),
  },
  {
    id: 'qdq-codes-read',
    what: 'codes are read by a DQ',
    why: 'an operator that is not told the scale computes with bare codes',
    fix: 'put a DequantizeLinear behind the QuantizeLinear',
    source: 'TensorRT developer guide, explicit quantization',
    for: { ...EVERYWHERE, onnxruntime: 'warning' },
    check: perGrid((grid, scope) => {
      if (!grid.quantizes) return false;
      if (scope.links.outputs.has(grid.output)) return 'its codes are an output of the model';
      const bare = scope
        .uses(grid.output)
        .find(({ node }) => !isOp(node, 'DequantizeLinear', ...MOVERS) && !node.opType.includes('Integer'));
      return bare && `${bare.node.opType} "${bare.node.name}" reads its codes`;
    }),
  },
  {
    id: 'qdq-special-codes',
    what: 'stored codes are numbers',
    why: 'one NaN makes every output of its channel NaN',
    fix: 'saturate when quantizing',
    source: 'ONNX float8 types',
    for: EVERYWHERE,
    check: perGrid(specialCodes),
  },
  {
    id: 'qdq-subnormal-scale',
    what: 'scales are normal numbers of their type',
    why: 'a subnormal scale has few digits, and hardware that flushes it makes it zero',
    fix: 'leave the tensor in float, or raise its scale to the smallest normal number',
    source: 'IEEE 754; float16 is normal from 2⁻¹⁴ on',
    for: { coreml: 'warning', onnxruntime: 'warning' },
    check: perGrid(smallScale(2 ** -14)),
  },
];

/** A scale below the least that is taken for its type. */
export function smallScale(leastHalf: number): (grid: Grid) => string | false {
  return ({ scale, scales }) => {
    const least = dtypeName(scale?.dataType) === 'float16' ? leastHalf : 2 ** -126;
    const small = scales?.find((s) => s > 0 && s < least);
    return small !== undefined && `a scale is ${small}`;
  };
}

/** Operators that may stand between the halves of a pair: codes move as values do. */
const MOVERS = [
  'Reshape',
  'Transpose',
  'Identity',
  'Flatten',
  'Squeeze',
  'Unsqueeze',
  'Slice',
  'Concat',
  'Gather',
  'Split',
  'MaxPool',
];
