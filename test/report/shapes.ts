import { makeAttribute, makeNode } from '../../src/ir/graph.js';
import type { Model, Node, Tensor } from '../../src/ir/model.js';
import type { Plan } from '../../src/plan/types.js';
import { modelCost } from '../../src/report/cost.js';
import { lower } from '../../src/report/kernels.js';
import { parameterNames } from '../../src/report/parameters.js';
import { floatPlacement, planPlacement } from '../../src/report/placement.js';
import { shapesOf } from '../../src/report/shapes.js';
import type { ValueMeta } from '../../src/runtime/types.js';
import type { Target } from '../../targets/types.js';
import { makeModel, value } from '../verify/models.js';

/** A network as shapes only: initializers have dims and no bytes, since nothing is run. */
export class Builder {
  readonly nodes: Node[] = [];
  readonly types = new Map<string, ValueMeta>();
  private readonly constants: Tensor[] = [];
  private last: string;

  constructor(private readonly input: number[]) {
    this.last = 'input';
    this.type('input', input);
  }

  type(name: string, dims: (number | string)[]): string {
    this.types.set(name, { name, dtype: 'float32', dims });
    return name;
  }

  constant(name: string, dims: number[]): string {
    this.constants.push({ name, dims, dataType: 1, externalData: [], metadata: [] });
    return name;
  }

  private dims(name: string): number[] {
    return this.types.get(name)!.dims as number[];
  }

  get end(): string {
    return this.last;
  }

  node(opType: string, inputs: string[], dims: number[], attributes: Node['attributes'] = []): string {
    const name = `${opType}_${this.nodes.length}`;
    this.nodes.push(makeNode(opType, inputs, [name], attributes, { name }));
    this.last = this.type(name, dims);
    return name;
  }

  conv(
    filters: number,
    kernel: number,
    options: { stride?: number; group?: number; from?: string } = {},
  ): string {
    const { stride = 1, group = 1, from = this.last } = options;
    const [batch, channels, height, width] = this.dims(from);
    const name = `w${this.nodes.length}`;
    const weight = this.constant(name, [filters, channels / group, kernel, kernel]);
    const bias = this.constant(`${name}_bias`, [filters]);
    const size = (n: number) => Math.ceil(n / stride);
    const dims = [batch, filters, size(height), size(width)];
    return this.node('Conv', [from, weight, bias], dims, [makeAttribute.int('group', group)]);
  }

  relu(): string {
    return this.node('Relu', [this.last], this.dims(this.last));
  }

  add(a: string, b: string): string {
    return this.node('Add', [a, b], this.dims(a));
  }

  pool(opType: string, dims: number[], kernel?: number): string {
    const attributes = kernel ? [makeAttribute.ints('kernel_shape', [kernel, kernel])] : [];
    return this.node(opType, [this.last], dims, attributes);
  }

  gemm(inputs: number, outputs: number): string {
    const name = `w${this.nodes.length}`;
    const flat = this.node('Flatten', [this.last], [this.input[0], inputs]);
    const weight = this.constant(name, [outputs, inputs]);
    const bias = this.constant(`${name}_bias`, [outputs]);
    return this.node(
      'Gemm',
      [flat, weight, bias],
      [this.input[0], outputs],
      [makeAttribute.int('transB', 1)],
    );
  }

  build(): Model {
    const output = value(this.last, this.dims(this.last));
    return makeModel(this.nodes, [value('input', this.input)], [output], this.constants);
  }
}

/** Brief 002: `depth` 1×1 convolutions of `channels` on 64×64. */
export function convStack(depth: number, channels: number): Builder {
  const b = new Builder([1, channels, 64, 64]);
  for (let i = 0; i < depth; i++) b.conv(channels, 1);
  return b;
}

/** ResNet-50 v1.5 (He et al. 2015; stride in the 3×3), batch-norm folded. */
export function resnet50(): Builder {
  const b = new Builder([1, 3, 224, 224]);
  b.conv(64, 7, { stride: 2 });
  b.relu();
  b.pool('MaxPool', [1, 64, 56, 56], 3);
  const stages: [number, number, number][] = [
    [64, 3, 1],
    [128, 4, 2],
    [256, 6, 2],
    [512, 3, 2],
  ];
  for (const [width, blocks, firstStride] of stages)
    for (let i = 0; i < blocks; i++) {
      const from = b.end;
      const stride = i === 0 ? firstStride : 1;
      b.conv(width, 1);
      b.relu();
      b.conv(width, 3, { stride });
      b.relu();
      const main = b.conv(width * 4, 1);
      const skip = i === 0 ? b.conv(width * 4, 1, { stride, from }) : from;
      b.add(main, skip);
      b.relu();
    }
  b.pool('GlobalAveragePool', [1, 2048, 1, 1]);
  b.gemm(2048, 1000);
  return b;
}

/** MobileNetV2 1.0 (Sandler et al. 2018, table 2), batch-norm folded; Clip stands for ReLU6. */
export function mobilenetV2(): Builder {
  const b = new Builder([1, 3, 224, 224]);
  b.conv(32, 3, { stride: 2 });
  b.relu();
  const rows: [number, number, number, number][] = [
    [1, 16, 1, 1],
    [6, 24, 2, 2],
    [6, 32, 3, 2],
    [6, 64, 4, 2],
    [6, 96, 3, 1],
    [6, 160, 3, 2],
    [6, 320, 1, 1],
  ];
  let channels = 32;
  for (const [expand, out, repeats, firstStride] of rows)
    for (let i = 0; i < repeats; i++) {
      const from = b.end;
      const stride = i === 0 ? firstStride : 1;
      const hidden = channels * expand;
      if (expand > 1) {
        b.conv(hidden, 1);
        b.relu();
      }
      b.conv(hidden, 3, { stride, group: hidden });
      b.relu();
      const main = b.conv(out, 1);
      if (stride === 1 && channels === out) b.add(main, from);
      channels = out;
    }
  b.conv(1280, 1);
  b.relu();
  b.pool('GlobalAveragePool', [1, 1280, 1, 1]);
  b.gemm(1280, 1000);
  return b;
}

/** A plan that computes every convolution, product, addition and pool in int8, as a planner would. */
export function fullPlan(b: Builder, target = 'a17-ane'): Plan {
  const weighted = b.nodes.filter((n) => ['Conv', 'Gemm', 'MatMul'].includes(n.opType));
  const activation = (tensor: string): Plan['activations'][number] => ({
    tensor,
    format: 'int8',
    scale: 0.1,
    zeroPoint: 0,
    range: [-12, 12],
    method: 'minmax',
    reason: 'test',
  });
  return {
    schema: 'onnx-quantize/plan@1',
    model: 'f'.repeat(64),
    target,
    scheme: 'int8-perchannel',
    method: 'minmax',
    opset: 17,
    encoding: 'exec',
    evidence: 'real',
    biasCorrection: false,
    activations: ['input', ...b.nodes.map((n) => n.outputs[0])].map(activation),
    weights: weighted.map((n) => ({
      tensor: n.inputs[1],
      uses: [{ node: n.name!, input: 1 }],
      format: 'int8',
      granularity: { kind: 'perchannel' },
      axis: 0,
      symmetric: true,
      form: 'linear',
      weightOnly: false,
      reason: 'test',
    })),
    biases: weighted
      .filter((n) => n.inputs[2])
      .map((n) => ({
        node: n.name!,
        input: 2,
        tensor: n.inputs[2],
        activation: n.inputs[0],
        weight: n.inputs[1],
        reason: 'test',
      })),
    integer: b.nodes.map((n) => ({ node: n.name!, opType: n.opType, reason: 'test' })),
    dynamic: [],
    float: [],
  };
}

/** Modelled milliseconds in the float format and in int8. */
export function milliseconds(b: Builder, target: Target): { float: number; int8: number } {
  const model = b.build();
  const shapes = shapesOf(model, b.types);
  const lowering = lower(model, shapes);
  const parameters = parameterNames(model);
  const float = floatPlacement(shapes, target, parameters);
  const int8 = planPlacement(fullPlan(b), shapes, target, parameters);
  return {
    float: 1e3 * modelCost(lowering, float, shapes, target).seconds,
    int8: 1e3 * modelCost(lowering, int8, shapes, target).seconds,
  };
}
