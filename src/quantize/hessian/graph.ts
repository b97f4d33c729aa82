import { makeAttribute, makeNode, nameAllocator, opsetVersion, usedNames } from '../../ir/graph.js';
import type { Attribute, Model } from '../../ir/model.js';
import { floatTensor, int64Tensor } from '../../ir/tensor.js';
import type { LinearForm, Unfold } from './form.js';

/** Vectors x that one sample gives of a map at least, where it has more: neighbours say much the same. */
const KEPT_POSITIONS = 1024;
/** "To the end" of a Slice. */
const END = Number.MAX_SAFE_INTEGER;

/** Names of what `gram` adds. */
export interface GramOutputs {
  moments: string;
  mean: string;
  shape: string;
  drift?: string;
}

/** Adds to a model nodes that sum x·xᵀ over the vectors x that a layer reads. */
export class GramBuilder {
  private readonly fresh: (wanted: string) => string;
  private readonly opset: number;

  constructor(private readonly model: Model) {
    this.fresh = nameAllocator(usedNames(model.graph));
    this.opset = opsetVersion(model);
  }

  /**
   * New outputs of float32: the mean of x [groups, columns], Σ x·xᵀ [groups, columns, columns] and, with `float`,
   * Σ (f − x)·xᵀ; of int64 the shape of all x, [groups, columns, vectors].
   * @param dims of the activation, as far as known; large maps are read at every n-th row and column
   * @param float the same activation where nothing is rounded
   */
  gram(
    activation: string,
    form: LinearForm,
    dims: readonly (number | string)[],
    float?: string,
  ): GramOutputs {
    const vectors = this.vectors(activation, form, dims);
    const turned = this.node('Transpose', [vectors], [makeAttribute.ints('perm', [0, 2, 1])]);
    const outputs: GramOutputs = {
      moments: this.node('MatMul', [vectors, turned]),
      mean: this.mean(vectors),
      shape: this.node('Shape', [vectors]),
    };
    if (float !== undefined) {
      const error = this.node('Sub', [this.vectors(float, form, dims), vectors]);
      outputs.drift = this.node('MatMul', [error, turned]);
    }
    this.model.graph.outputs.push(...Object.values(outputs).map((name) => ({ name })));
    return outputs;
  }

  /** Over the vectors; the axes of ReduceMean are an attribute before opset 18 and an input from there on. */
  private mean(vectors: string): string {
    const flat = makeAttribute.int('keepdims', 0);
    return this.opset < 18
      ? this.node('ReduceMean', [vectors], [makeAttribute.ints('axes', [2]), flat])
      : this.node('ReduceMean', [vectors, this.ints([2])], [flat]);
  }

  /** [groups, columns, vectors]. */
  private vectors(activation: string, form: LinearForm, dims: readonly (number | string)[]): string {
    const { unfold, columns } = form;
    if (unfold.kind === 'window') return this.windows(activation, form, unfold, dims);
    const rank = dims.length;
    const swap = [...dims.keys()].map((a) => (a < rank - 2 ? a : 2 * rank - 3 - a));
    const rows =
      unfold.kind === 'last'
        ? activation
        : this.node('Transpose', [activation], [makeAttribute.ints('perm', swap)]);
    const flat = this.reshape(rows, [1, -1, columns]);
    return this.node('Transpose', [flat], [makeAttribute.ints('perm', [0, 2, 1])]);
  }

  private windows(
    activation: string,
    { groups, columns }: LinearForm,
    unfold: Unfold & { kind: 'window' },
    dims: readonly (number | string)[],
  ): string {
    const { kernel, pads } = unfold;
    const padded = pads.some((p) => p > 0) ? this.pad(activation, pads) : activation;
    const steps = sampledSteps(unfold, dims);
    const taps = positions(kernel).map((tap) =>
      this.reshape(this.tap(padded, tap, unfold, steps), [0, 0, 1, -1]),
    );
    const joined = taps.length === 1 ? taps[0] : this.node('Concat', taps, [makeAttribute.int('axis', 2)]);
    const grouped = this.reshape(joined, [0, groups, columns, -1]);
    const turned = this.node('Transpose', [grouped], [makeAttribute.ints('perm', [1, 2, 0, 3])]);
    return this.reshape(turned, [groups, columns, -1]);
  }

  /** What lies under one tap of the kernel at every (sampled) position: a strided Slice, whatever the map's size. */
  private tap(
    x: string,
    tap: number[],
    { kernel, dilations }: Unfold & { kind: 'window' },
    steps: number[],
  ): string {
    const starts = tap.map((k, i) => k * dilations[i]);
    const ends = tap.map((k, i) => (k === kernel[i] - 1 ? END : (k - kernel[i] + 1) * dilations[i]));
    if (steps.every((s) => s === 1) && kernel.every((k) => k === 1)) return x;
    const axes = tap.map((_, i) => i + 2);
    return this.node('Slice', [x, this.ints(starts), this.ints(ends), this.ints(axes), this.ints(steps)]);
  }

  private pad(x: string, spatial: number[]): string {
    const half = spatial.length / 2;
    const pads = [0, 0, ...spatial.slice(0, half), 0, 0, ...spatial.slice(half)];
    if (this.opset < 11) return this.node('Pad', [x], [makeAttribute.ints('pads', pads)]);
    return this.node('Pad', [x, this.ints(pads), this.zero()]);
  }

  private zero(): string {
    const name = this.fresh('gram_zero');
    this.model.graph.initializers.push(floatTensor(name, [], [0]));
    return name;
  }

  private reshape(x: string, shape: number[]): string {
    return this.node('Reshape', [x, this.ints(shape)]);
  }

  private ints(values: number[]): string {
    const name = this.fresh('gram_ints');
    this.model.graph.initializers.push(int64Tensor(name, [values.length], values));
    return name;
  }

  private node(opType: string, inputs: string[], attributes: Attribute[] = []): string {
    const output = this.fresh(`gram_${opType.toLowerCase()}`);
    this.model.graph.nodes.push(makeNode(opType, inputs, [output], attributes));
    return output;
  }
}

/** All indices of a kernel, the last axis running fastest, as in the weight. */
const positions = (kernel: readonly number[]): number[][] =>
  kernel.reduce<number[][]>(
    (found, size) => found.flatMap((head) => Array.from({ length: size }, (_, k) => [...head, k])),
    [[]],
  );

/** The strides of the layer, multiplied where the map has many more positions than are needed. */
function sampledSteps(
  { strides }: Unfold & { kind: 'window' },
  dims: readonly (number | string)[],
): number[] {
  const count = strides.reduce((n, s, i) => n * (Number(dims[i + 2]) / s || 1), 1);
  const every = Math.max(1, Math.floor((count / KEPT_POSITIONS) ** (1 / strides.length)));
  return strides.map((s) => s * every);
}
