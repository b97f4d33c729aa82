import type { NumberFormat } from '../../kernels/formats.js';
import type { ByteCodes, IntegerKernels } from '../../kernels/integer.js';
import type { Node } from '../ir/model.js';

/** How codes stand for values: x ≈ (q − zeroPoint) · scale, one of each or one for each index of `axis`. */
export interface Grid {
  scales: Float32Array;
  zeroPoints: Int32Array;
  axis?: number;
  /** Row of the codes. */
  format: NumberFormat;
}

/** A tensor of codes, one byte each. */
export interface Operand {
  dims: number[];
  codes: ByteCodes;
  grid: Grid;
}

/** Where an operand comes from: a value of the graph that holds codes, or a constant. */
export interface OperandRef {
  /** Name of the codes. */
  name: string;
  grid: Grid;
  constant?: Operand;
}

/** The grid that a layer writes to, and what a fused Relu or Clip leaves of its codes. Per tensor. */
export interface OutputGrid extends Grid {
  low: number;
  high: number;
}

/** A bias in steps of the accumulator. `rounded`: it was not stored so and had to be rounded. */
export interface Bias {
  codes: Int32Array;
  rounded: boolean;
}

/** What a layer made of its operands. */
export interface Outcome {
  dims: number[];
  /** Codes on the layer's output grid, or floats when it has none. */
  values: ByteCodes | Float32Array;
  /** Value i before it was rounded: in steps of the output grid from its zero point, or as it is. */
  exact(i: number): number;
  /** What one step of the accumulator is worth in that unit; 0 without accumulators. */
  step(i: number): number;
  /** The accumulators, where the layer has any. */
  sums?: Int32Array;
}

/** One layer that computes on codes. */
export interface Unit {
  kind: 'unit';
  node: Node;
  /** The output of the node that it computes. */
  result: string;
  /** Name of the value that it makes: codes with `grid`, floats without. */
  output: string;
  grid?: OutputGrid;
  operands: OperandRef[];
  bias?: Bias;
  form: Form;
}

/** Computes a layer on codes. The bias is given apart, since magnitudes may stand in for it and the operands. */
export type Evaluate = (
  kernels: IntegerKernels,
  unit: Unit,
  operands: Operand[],
  bias?: Int32Array,
) => Outcome;
/** The widest accumulator that a layer can reach, whatever the codes of its activations are. */
export type Bound = (kernels: IntegerKernels, unit: Unit, operands: Operand[]) => number;

/** How an operator computes on codes. */
export interface Form {
  ops: readonly string[];
  /** Inputs that carry codes; the others are constants, or read as they are. */
  data(node: Node): number[];
  /** Input that is added to the accumulators. */
  bias?: number;
  /** False where the node, or where its operands lie, has no integer form. */
  fits(node: Node, operands: readonly OperandRef[]): boolean;
  /** The layer may hand floats on; without this it needs an output grid. */
  floats?: true;
  /** Absent for operators that move codes and change none: onnxruntime moves them, as floats that hold them exactly. */
  evaluate?: Evaluate;
  bound?: Bound;
  /** Products that one output sums: float32 rounds as often. */
  depth(unit: Unit, operands: readonly Operand[]): number;
}

/** A node that computes in float, on dequantized values, in onnxruntime. */
export interface FloatStep {
  kind: 'float';
  node: Node;
  reads: string[];
}

export type Step = Unit | FloatStep;

/** How the outputs of a layer compare with onnxruntime's, fed with the same codes. */
export interface Differences {
  /** Outputs that differ. */
  differ: number;
  /** The largest difference in steps of the output grid. */
  maxSteps: number;
  /** Differences that the rounding of float32 sums cannot explain: more than one step, or not at a tie. */
  unexplained: number;
}

export interface IntegerLayer {
  node: string;
  opType: string;
  /** The value compared: codes where `quantized`, else floats. */
  tensor: string;
  quantized: boolean;
  /** Values compared over all samples. */
  outputs: number;
  qdq: Differences;
  qlinear: Differences;
  /** The widest accumulator. `bits` of a two's complement register; `bound` holds whatever the data are. */
  accumulator?: { reached: number; bits: number; bound: number; boundBits: number };
}

export interface IntegerComparison {
  samples: number;
  layers: IntegerLayer[];
  /** Nodes that ran in float between the integer layers, by operator. */
  float: Record<string, number>;
  /** The integer path from the inputs to each float output against onnxruntime's results; null when equal. */
  outputs: { output: string; qdqSqnrDb: number | null; qlinearSqnrDb: number | null }[];
}
