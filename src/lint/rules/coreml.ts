import type { Dtype } from '../../ir/dtypes.js';
import { allNodes, isOp, qualifiedType } from '../../ir/graph.js';
import { elementCount } from '../../ir/tensor.js';
import { channelAxis, products, weightOf } from '../layers.js';
import type { Subject } from '../subject.js';
import type { Rule, Spot } from '../types.js';
import { perGrid } from './standard.js';

const MIL = 'coremltools, MIL operations of iOS 17 and 18';
const ERROR = { coreml: 'error' } as const;
const WARNING = { coreml: 'warning' } as const;
const BYTES: readonly (Dtype | undefined)[] = ['int8', 'uint8'];
const WEIGHTS: readonly (Dtype | undefined)[] = ['int8', 'uint8', 'int4', 'uint4', 'int32'];
const MOST_AXES = 5;

function* rank({ scopes }: Subject): Generator<Spot> {
  for (const { graph, constants } of scopes)
    for (const name of [...graph.inputs, ...graph.valueInfo, ...graph.outputs].map((v) => v))
      if ((name.type?.tensor?.shape?.dims.length ?? 0) > MOST_AXES && !constants.has(name.name))
        yield { message: `${name.type?.tensor?.shape?.dims.length} axes`, tensor: name.name };
}

function* control({ model }: Subject): Generator<Spot> {
  for (const node of allNodes(model.graph))
    if (isOp(node, 'If', 'Loop', 'Scan', 'NonMaxSuppression'))
      yield { message: `${qualifiedType(node)} has no form there`, node: node.name || node.outputs[0] };
}

function* weightAxis(subject: Subject): Generator<Spot> {
  for (const product of products(subject)) {
    const dq = weightOf(product);
    if (!dq?.constant || !dq.scale || elementCount(dq.scale.dims) < 2 || dq.block > 0) continue;
    const wanted = channelAxis(product, dq.constant);
    const direct = product.sides.some((s) => s.dq === dq && s.name === dq.output);
    if (direct && wanted !== undefined && (dq.axis ?? 1) !== wanted)
      yield {
        message: `scales lie along axis ${dq.axis ?? 1}, output channels along ${wanted}`,
        node: product.label,
        tensor: dq.data,
      };
  }
}

export const COREML: readonly Rule[] = [
  {
    id: 'coreml-activation-type',
    what: 'activations are int8 or uint8',
    why: 'MIL’s quantize makes nothing else',
    fix: 'choose an 8-bit scheme (--target ane)',
    source: MIL,
    for: ERROR,
    check: perGrid(
      ({ dtype, quantizes, data }, scope) =>
        quantizes &&
        !scope.isFixed(data) &&
        dtype !== undefined &&
        !BYTES.includes(dtype) &&
        `its codes are ${dtype}`,
    ),
  },
  {
    id: 'coreml-weight-type',
    what: 'weights in Q/DQ are integers of 8 or 4 bits',
    why: 'other codes become float16 when the model is converted',
    fix: 'choose int8, int4, or a look-up table (--target ane -s lut4-perchannel)',
    source: MIL,
    for: ERROR,
    check: perGrid(
      (grid, scope) =>
        !grid.quantizes &&
        scope.isWeight(grid) &&
        grid.dtype !== undefined &&
        !WEIGHTS.includes(grid.dtype) &&
        `its codes are ${grid.dtype}`,
    ),
  },
  {
    id: 'coreml-activation-scale',
    what: 'activations have one scale a tensor',
    why: 'the Neural Engine’s 8-bit path is for one scale; with more it computes in float16',
    fix: 'quantize activations per tensor',
    source: 'coremltools, linear_quantize_activations',
    for: WARNING,
    check: perGrid(
      ({ quantizes, data, scale }, scope) =>
        quantizes &&
        !scope.isFixed(data) &&
        scope.constants.has(data) === false &&
        scale !== undefined &&
        elementCount(scale.dims) > 1 &&
        'several scales on an activation',
    ),
  },
  {
    id: 'coreml-weight-axis',
    what: 'scales of weights lie along output channels',
    why: 'the compiler folds no others into its kernels',
    fix: 'axis 0 for Conv, 1 for ConvTranspose and [K, N] matrices',
    source: MIL,
    for: ERROR,
    check: weightAxis,
  },
  {
    id: 'coreml-rank',
    what: `tensors have at most ${MOST_AXES} axes`,
    why: 'ML Programs have no more',
    fix: 'merge axes that move together with Reshape',
    source: MIL,
    for: ERROR,
    check: rank,
  },
  {
    id: 'coreml-operator',
    what: 'there is no control flow and no NonMaxSuppression',
    why: 'they have no form in a package of one function',
    fix: 'cut the model before them, or unroll them',
    source: 'docs/coreml.md, operators',
    for: ERROR,
    check: control,
  },
];
