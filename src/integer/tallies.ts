import { createKernels } from '../../kernels/wasm.js';
import { isOp, qualifiedType } from '../ir/graph.js';
import { countDifferences, floatError, noDifferences } from './differences.js';
import { type Executor, operandsOf, type Values } from './execute.js';
import { factor, shapeOf } from './finish.js';
import type { IntegerComparison, IntegerLayer, Operand, Outcome, Unit } from './types.js';

/** The two ways in which onnxruntime computes a quantized model. */
export type Way = 'qdq' | 'qlinear';
export const WAYS: readonly Way[] = ['qdq', 'qlinear'];

/** Σx² and Σ(x − y)² of one output. */
interface Noise {
  xx: number;
  dd: number;
}

const SCRATCH_BYTES = 1 << 16;

/** What the comparison of layers and outputs adds up to, sample by sample. */
export class Tallies {
  private readonly layers = new Map<Unit, IntegerLayer>();
  private readonly outputs = new Map<string, Record<Way, Noise>>();
  private readonly floats = createKernels(SCRATCH_BYTES);

  constructor(private readonly executor: Executor) {}

  /** One layer of the integer path; onnxruntime's is computed anew where its operands were other codes. */
  async addLayer(
    theirs: Record<Way, Values>,
    unit: Unit,
    operands: Operand[],
    outcome: Outcome,
    values: Values,
  ): Promise<void> {
    const layer = this.layerOf(unit, operands);
    layer.outputs += outcome.values.length;
    this.addAccumulators(layer, outcome);
    for (const way of WAYS) {
      const given = operandsOf(unit, theirs[way], values);
      const same = given.every((g, i) => sameBytes(g.codes, operands[i].codes));
      const ours = same ? outcome : await this.executor.evaluate(unit, given, values, unit.bias?.codes);
      const reference = theirs[way].get(unit.output)!.data as Outcome['values'];
      if (sameBytes(ours.values, reference)) continue;
      const error = await this.floatErrors(unit, given, values, way);
      countDifferences(layer[way], ours, reference, unit.grid, error);
    }
  }

  private addAccumulators({ accumulator }: IntegerLayer, { sums }: Outcome): void {
    if (!accumulator || !sums) return;
    accumulator.reached = Math.max(accumulator.reached, this.executor.kernels.widest(sums));
    accumulator.bits = bitsOf(accumulator.reached);
  }

  /**
   * How far float32 may lie from each output of a layer: from Σ|terms|, which the layer gives when the magnitude of
   * every code and bias stands in for it. A bias that had to be rounded may be off by half a step of the accumulator.
   */
  private async floatErrors(
    unit: Unit,
    operands: Operand[],
    values: Values,
    way: Way,
  ): Promise<(i: number) => number> {
    const absolute = operands.map((operand): Operand => {
      const codes = this.executor.kernels.magnitudes(factor(operand), shapeOf(operand));
      const zeroPoints = new Int32Array(operand.grid.zeroPoints.length);
      return { ...operand, codes, grid: { ...operand.grid, zeroPoints } };
    });
    const { exact, step } = await this.executor.evaluate(
      unit,
      absolute,
      values,
      unit.bias?.codes.map(Math.abs),
    );
    const depth = unit.form.depth(unit, operands);
    const half = unit.bias?.rounded ? 0.5 : 0;
    const zeros = way === 'qlinear' ? zeroPointTerms(unit, operands) : 0;
    return (i) => floatError(depth, exact(i) + zeros) + half * step(i);
  }

  private layerOf(unit: Unit, operands: Operand[]): IntegerLayer {
    const known = this.layers.get(unit);
    if (known) return known;
    const { node, form, output, grid } = unit;
    const bound = form.bound?.(this.executor.kernels, unit, operands);
    const layer: IntegerLayer = {
      node: node.name || output,
      opType: qualifiedType(node),
      tensor: output,
      quantized: grid !== undefined,
      outputs: 0,
      qdq: noDifferences(),
      qlinear: noDifferences(),
      ...(bound !== undefined && { accumulator: { reached: 0, bits: 1, bound, boundBits: bitsOf(bound) } }),
    };
    this.layers.set(unit, layer);
    return layer;
  }

  /** The float outputs of the whole path. */
  addOutputs(ours: Values, theirs: Record<Way, Values>): void {
    for (const { name } of this.executor.program.model.graph.outputs) {
      const value = ours.get(name);
      if (value?.dtype !== 'float32') continue;
      const noise = this.outputs.get(name) ?? { qdq: { xx: 0, dd: 0 }, qlinear: { xx: 0, dd: 0 } };
      this.outputs.set(name, noise);
      for (const way of WAYS) {
        const other = theirs[way].get(name)!.data as Float32Array;
        const { xx, dd } = this.floats.errorSums(other, value.data as Float32Array);
        noise[way].xx += xx;
        noise[way].dd += dd;
      }
    }
  }

  result(samples: number): IntegerComparison {
    const float: Record<string, number> = {};
    for (const step of this.executor.program.steps)
      if (step.kind === 'float') {
        const type = qualifiedType(step.node);
        float[type] = (float[type] ?? 0) + 1;
      }
    return {
      samples,
      layers: [...this.layers.values()],
      float,
      outputs: [...this.outputs].map(([output, { qdq, qlinear }]) => ({
        output,
        qdqSqnrDb: decibels(qdq),
        qlinearSqnrDb: decibels(qlinear),
      })),
    };
  }
}

/**
 * QLinearAdd of onnxruntime scales raw codes and corrects for the zero points afterwards, in float32: its terms are
 * larger by up to twice the zero points than those of (q − z)·s. In steps of the output; other operators: 0.
 */
const zeroPointTerms = ({ node, grid }: Unit, operands: Operand[]): number =>
  isOp(node, 'Add')
    ? operands.reduce(
        (sum, o) => sum + (2 * Math.abs(o.grid.zeroPoints[0]) * o.grid.scales[0]) / grid!.scales[0],
        0,
      )
    : 0;

/** Bits of a two's complement register that holds ±magnitude. */
const bitsOf = (magnitude: number): number => 1 + Math.ceil(Math.log2(magnitude + 1));

const decibels = ({ xx, dd }: Noise): number | null => (dd === 0 ? null : 10 * Math.log10(xx / dd));

const bytes = ({ buffer, byteOffset, byteLength }: ArrayBufferView) =>
  Buffer.from(buffer, byteOffset, byteLength);
const sameBytes = (a: ArrayBufferView, b: ArrayBufferView): boolean =>
  a === b || Buffer.compare(bytes(a), bytes(b)) === 0;
