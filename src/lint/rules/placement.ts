import { dtypeName } from '../../ir/dtypes.js';
import { isOp } from '../../ir/graph.js';
import type { Node } from '../../ir/model.js';
import { unsuitedFilter, unsuitedProduct } from '../../plan/rules/tensorrt.js';
import { filterOf, isAttention, type Product, products, weightOf } from '../layers.js';
import { type Grid, nodes, type Scope, type Subject } from '../subject.js';
import type { Rule, Spot } from '../types.js';

const GUIDE = 'TensorRT developer guide, Q/DQ placement recommendations';
const OPTIMIZER = 'NVIDIA Model-Optimizer, ONNX quantization';
const WARNING = { tensorrt: 'warning' } as const;

/** Names of formats as the exclusion rules have them. */
const KIND: Record<string, string> = { float8e4m3fn: 'fp8', int8: 'int8' };
/** The largest code of a type: a range of 0…1 has the scale 1 / this. */
const MOST: Record<string, number> = { float8e4m3fn: 448, int8: 127 };

/** How far rounding to the scale's own type may move it; float32 hardly does, but tools compute with fewer digits. */
const rounding = ({ scale }: Grid): number => (dtypeName(scale?.dataType) === 'bfloat16' ? 2 ** -8 : 1e-3);

const soleReader = (scope: Scope, name: string): Node | undefined => {
  const uses = scope.uses(name);
  return uses.length === 1 && !scope.links.outputs.has(name) ? uses[0].node : undefined;
};

/** The Q and DQ that stand between a value and its only reader. */
function pairBetween(scope: Scope, name: string): { q: Grid; reader: Node } | undefined {
  const q = scope.gridOf(soleReader(scope, name)?.outputs[0]);
  const dq = q?.quantizes ? scope.gridOf(soleReader(scope, q.output)?.outputs[0]) : undefined;
  const reader = dq && !dq.quantizes ? soleReader(scope, dq.output) : undefined;
  return q && reader ? { q, reader } : undefined;
}

function* splitFusion(subject: Subject): Generator<Spot> {
  for (const { node, scope, label } of nodes(subject, 'Conv', 'ConvTranspose', 'Gemm')) {
    const between = pairBetween(scope, node.outputs[0]);
    if (between && isOp(between.reader, 'Relu', 'Clip', 'BatchNormalization'))
      yield { message: `a pair stands between ${node.opType} and ${between.reader.opType}`, node: label };
  }
}

/** A convolution whose only reader is a sum, and the operand that comes to the sum another way. */
function* residual(subject: Subject): Generator<Spot> {
  for (const { node, scope, label } of nodes(subject, 'Add')) {
    const sides = node.inputs.map((name) => ({ name, dq: scope.gridOf(name) }));
    const rounded = sides.filter(({ dq }) => dq && !dq.quantizes && !scope.isFixed(dq.output));
    if (rounded.length !== 2) continue;
    const branch = rounded.find(({ dq }) => {
      const source = scope.quantizerOf(dq!)?.data;
      return (
        source !== undefined &&
        scope.uses(source).length === 1 &&
        isOp(scope.links.producer.get(source), 'Conv')
      );
    });
    if (branch)
      yield { message: 'both operands of a residual sum are rounded', node: label, tensor: branch.name };
  }
}

function* concatScales(subject: Subject): Generator<Spot> {
  for (const { node, scope, label } of nodes(subject, 'Concat')) {
    const scales = new Set(node.inputs.map((name) => scope.dequantizedBy(name)?.scales?.[0]));
    scales.delete(undefined);
    if (scales.size > 1) yield { message: `${scales.size} different scales are joined`, node: label };
  }
}

function* unsuited(subject: Subject): Generator<Spot> {
  for (const product of products(subject)) {
    const dq = weightOf(product);
    const kind = dq?.dtype && product.sides.every((s) => s.dq) ? KIND[dq.dtype] : undefined;
    if (!dq?.constant || !kind) continue;
    const why = isOp(product.node, 'Conv') ? wrongFilter(product, kind) : wrongMatrix(product, kind, dq);
    if (why) yield { message: why, node: product.label, tensor: dq.data };
  }
}

function wrongFilter(product: Product, kind: string): string | undefined {
  const dims = product.sides[1].dq!.constant!.dims;
  const filter = filterOf(product);
  const origin = product.scope.quantizerOf(product.sides[0].dq!)?.data;
  const first = origin !== undefined && product.scope.links.inputs.has(origin);
  return filter && unsuitedFilter(kind, { ...filter, kernel: dims.slice(2), first });
}

function wrongMatrix({ node }: Product, kind: string, { constant }: Grid): string | undefined {
  if (constant!.dims.length !== 2 || isOp(node, 'ConvTranspose')) return undefined;
  const [k, n] = constant!.dims;
  return unsuitedProduct(kind, { k, n });
}

function* oneSide(subject: Subject): Generator<Spot> {
  for (const product of products(subject)) {
    const fed = product.sides.filter((s) => !s.fixed);
    const rounded = fed.filter((s) => s.dq);
    if (rounded.length === 0 || product.sides.every((s) => s.dq)) continue;
    const what = isAttention(product) ? 'one of two activations' : 'the activation but not the weight';
    yield { message: `${product.node.opType} has ${what} quantized`, node: product.label };
  }
}

/** The Softmax that makes what a product of attention reads. */
function* softmaxScale(subject: Subject): Generator<Spot> {
  for (const product of products(subject)) {
    const { dq } = product.sides[0];
    const q = dq && product.scope.quantizerOf(dq);
    if (!isAttention(product) || !q?.scales || !isOp(product.scope.links.producer.get(q.data), 'Softmax'))
      continue;
    const most = MOST[dq!.dtype ?? ''];
    if (most && Math.abs(q.scales[0] * most - 1) > rounding(q))
      yield {
        message: `scale ${q.scales[0]} behind a Softmax, not 1/${most}`,
        node: product.label,
        tensor: q.data,
      };
  }
}

function* lateScaling(subject: Subject): Generator<Spot> {
  for (const product of products(subject)) {
    if (!isAttention(product) || !product.sides.every((s) => s.dq)) continue;
    const next = soleReader(product.scope, product.node.outputs[0]);
    const other = next?.inputs.find((name) => name !== product.node.outputs[0]);
    if (!isOp(next, 'Mul', 'Div') || other === undefined || !product.scope.isFixed(other)) continue;
    if (leadsToSoftmax(product.scope, next))
      yield { message: `${next.opType} by a constant follows the product`, node: product.label };
  }
}

function leadsToSoftmax(scope: Scope, from: Node): boolean {
  const next = soleReader(scope, from.outputs[0]);
  if (isOp(next, 'Softmax')) return true;
  return isOp(next, 'Add', 'Where', 'Reshape', 'Sub') && leadsToSoftmax(scope, next);
}

function* outputs(subject: Subject): Generator<Spot> {
  const { root } = subject;
  for (const { name } of root.graph.outputs) {
    const dq = root.gridOf(name);
    if (dq && !dq.quantizes && !root.isFixed(name))
      yield { message: 'an output of the model is rounded', node: dq.label, tensor: name };
  }
}

function* requantized(subject: Subject): Generator<Spot> {
  for (const scope of subject.scopes)
    for (const q of scope.grids) {
      const dq = q.quantizes ? scope.gridOf(q.data) : undefined;
      if (dq && !dq.quantizes && dq.scales && q.scales && dq.scales[0] !== q.scales[0])
        yield { message: 'codes are rounded again, to another scale', node: q.label, tensor: q.data };
    }
}

function* halfPool(subject: Subject): Generator<Spot> {
  for (const { node, scope, label } of nodes(subject, 'AveragePool', 'GlobalAveragePool')) {
    const reader = soleReader(scope, node.outputs[0]);
    if (scope.dequantizedBy(node.inputs[0]) && !isOp(reader, 'QuantizeLinear'))
      yield { message: `${node.opType} reads codes and writes floats`, node: label };
  }
}

/** Where pairs should stand: TensorRT builds these models, and runs them slower than it could. */
export const PLACEMENT: readonly Rule[] = [
  {
    id: 'trt-fusion',
    what: 'nothing stands between a convolution and its normalisation or ReLU',
    why: 'the pair splits what would be one kernel',
    fix: 'move the pair behind the ReLU',
    source: GUIDE,
    for: WARNING,
    check: splitFusion,
  },
  {
    id: 'trt-residual',
    what: 'of a residual sum only the skip is rounded',
    why: 'Conv + Add + ReLU is one kernel only while the branch of the convolution is float',
    fix: 'remove the pair behind the convolution',
    source: GUIDE,
    for: WARNING,
    check: residual,
  },
  {
    id: 'pairs-concat-scale',
    what: 'what is joined has one scale',
    why: 'codes of different scales must be rounded again before they are joined',
    fix: 'give every operand of the Concat the largest of the scales',
    source: OPTIMIZER,
    for: { tensorrt: 'warning', coreml: 'warning' },
    check: concatScales,
  },
  {
    id: 'trt-unsuited',
    what: '8 bits only where there is a kernel that gains: depthwise and narrow layers stay float16',
    why: 'they run slower in 8 bits than in float16, or not at all in FP8',
    fix: 'leave the layer in float (--keep-float)',
    source: OPTIMIZER,
    for: WARNING,
    check: unsuited,
  },
  {
    id: 'pairs-one-side',
    what: 'all operands of a product are quantized, or only its weight',
    why: 'with one float operand the product runs in float, and the rounding was for nothing',
    fix: 'quantize the other operand, or none',
    source: GUIDE,
    for: { tensorrt: 'warning', coreml: 'warning', onnxruntime: 'warning' },
    check: oneSide,
  },
  {
    id: 'trt-softmax-scale',
    what: 'behind a Softmax the scale is 1 over the largest code',
    why: 'its outputs lie in 0…1 whatever the data; fused attention expects this scale',
    fix: 'use 1/448 for FP8 and 1/127 for int8',
    source: `${OPTIMIZER}, fp8_exporter`,
    for: WARNING,
    check: softmaxScale,
  },
  {
    id: 'trt-attention-scaling',
    what: 'the scaling of attention comes before its first product',
    why: 'the pattern that TensorRT fuses has Q · K straight before the Softmax',
    fix: 'scale the queries instead of the scores',
    source: `${OPTIMIZER}, fp8_exporter`,
    for: WARNING,
    check: lateScaling,
  },
  {
    id: 'pairs-output',
    what: 'outputs of the model are not rounded',
    why: 'it costs accuracy and saves nothing',
    fix: 'remove the pair',
    source: GUIDE,
    for: { tensorrt: 'warning', coreml: 'warning' },
    check: outputs,
  },
  {
    id: 'pairs-requantize',
    what: 'values are rounded once between two operators',
    why: 'a second rounding to another scale loses accuracy and is a kernel of its own',
    fix: 'keep one of the two pairs',
    source: GUIDE,
    for: { tensorrt: 'warning', coreml: 'warning', tflite: 'warning', onnxruntime: 'warning' },
    check: requantized,
  },
  {
    id: 'trt-average-pool',
    what: 'an average pool is quantized on both sides or on none',
    why: 'it runs in int8 only between codes',
    fix: 'add the pair behind it, or remove the one before',
    source: GUIDE,
    for: WARNING,
    check: halfPool,
  },
];
