import { JointHistogram, rowDivergence } from '../../kernels/divergence.js';
import { invalidError } from '../errors.js';
import { elementCount } from '../ir/tensor.js';
import type { TensorValue } from '../runtime/types.js';
import { best, classRows } from './classify.js';
import { addSums, cosine, type ErrorSums, emptySums, floatElements, sqnrDb } from './errorsums.js';
import { type PairedCounts, pairedDifference } from './interval.js';
import type { AccuracyMetrics, ExactOutput, OutputMetrics } from './types.js';

const sameDims = (a: readonly number[], b: readonly number[]): boolean =>
  a.length === b.length && a.every((d, i) => d === b[i]);

/** Who was right, among the best one and the best five. */
export interface Hits {
  top1: PairedCounts;
  top5: PairedCounts;
}

const noCounts = (): PairedCounts => ({ both: 0, onlyFirst: 0, onlySecond: 0, neither: 0 });
export const noHits = (): Hits => ({ top1: noCounts(), top5: noCounts() });

function count(counts: PairedCounts, first: boolean, second: boolean): void {
  if (first) counts[second ? 'both' : 'onlyFirst']++;
  else counts[second ? 'onlySecond' : 'neither']++;
}

/** Running figures of one output over all samples; a few numbers, whatever the number of samples. */
export class OutputAccumulator {
  private readonly sums: ErrorSums = emptySums();
  private readonly joint = new JointHistogram();
  private isFloat = true;
  private mismatches = 0;
  private equal = 0;
  private compared = 0;
  private rows = 0;
  private agree1 = 0;
  private agree5 = 0;
  private divergence = 0;
  private classifier = true;

  constructor(readonly output: string) {}

  /** @param label class of each row of this sample, for the output that carries the classes */
  add(
    float: TensorValue,
    quantized: TensorValue,
    hits?: Hits,
    label?: (row: number) => number | undefined,
  ): void {
    const x = floatElements(float);
    const y = floatElements(quantized);
    this.isFloat = x !== undefined && y !== undefined;
    if (!sameDims(float.dims, quantized.dims)) this.addMismatch(float, quantized);
    else if (!x || !y) this.addExact(float, quantized);
    else {
      addSums(this.sums, x, y);
      this.joint.add(x, y);
      this.addClasses(float.dims, x, y, hits, label);
    }
  }

  private addMismatch(float: TensorValue, quantized: TensorValue): void {
    this.mismatches++;
    this.compared += Math.max(elementCount(float.dims), elementCount(quantized.dims));
  }

  private addExact(float: TensorValue, quantized: TensorValue): void {
    for (let i = 0; i < float.data.length; i++) if (float.data[i] === quantized.data[i]) this.equal++;
    this.compared += float.data.length;
  }

  private addClasses(
    dims: number[],
    x: ArrayLike<number>,
    y: ArrayLike<number>,
    hits?: Hits,
    label?: (row: number) => number | undefined,
  ): void {
    const shape = classRows(dims);
    if (!shape) this.classifier = false;
    if (!shape || !this.classifier) return;
    for (let row = 0; row < shape.rows; row++) {
      const a = best(x, row * shape.classes, shape.classes, 5);
      const b = best(y, row * shape.classes, shape.classes, 5);
      this.rows++;
      this.divergence += rowDivergence(x, y, row * shape.classes, shape.classes);
      if (a[0] === b[0]) this.agree1++;
      if (b.includes(a[0])) this.agree5++;
      const right = label?.(row);
      if (hits && right !== undefined) {
        checkLabel(right, shape.classes, this.output);
        count(hits.top1, a[0] === right, b[0] === right);
        count(hits.top5, a.includes(right), b.includes(right));
      }
    }
  }

  /** True when every sample so far looked like a classifier's output. */
  get isClassifier(): boolean {
    return this.isFloat && this.classifier && this.rows > 0;
  }

  get exact(): ExactOutput | undefined {
    if (this.isFloat) return undefined;
    return { output: this.output, equal: this.compared === 0 ? 1 : this.equal / this.compared };
  }

  get metrics(): OutputMetrics | undefined {
    if (!this.isFloat) return undefined;
    const { sums, rows } = this;
    const { entropy, mutual } = this.joint.information;
    return {
      output: this.output,
      sqnrDb: sqnrDb(sums),
      cosine: cosine(sums),
      maxAbsError: sums.maxAbsError,
      ...(this.isClassifier && {
        top1Agreement: this.agree1 / rows,
        top5Agreement: this.agree5 / rows,
        kl: this.divergence / rows,
      }),
      entropyBits: entropy,
      mutualBits: mutual,
      ...(sums.badX + sums.badY > 0 && { nonFinite: { float: sums.badX, quantized: sums.badY } }),
      ...(this.mismatches > 0 && { shapeMismatches: this.mismatches }),
    };
  }
}

function checkLabel(label: number, classes: number, output: string): void {
  if (Number.isInteger(label) && label >= 0 && label < classes) return;
  throw invalidError('LABEL_RANGE', `label ${label} is not a class of "${output}", which has ${classes}`, {
    where: { tensor: output },
    hint: 'labels are indices from 0; does the model count a background class, or is it another data set?',
  });
}

/** Accuracies and the drop in points; undefined when no row had a label. */
export function accuracy(counts: PairedCounts): AccuracyMetrics | undefined {
  const { both, onlyFirst, onlySecond, neither } = counts;
  const rows = both + onlyFirst + onlySecond + neither;
  if (rows === 0) return undefined;
  const [low, high] = pairedDifference(counts);
  return {
    float: (both + onlyFirst) / rows,
    quantized: (both + onlySecond) / rows,
    drop: (100 * (onlyFirst - onlySecond)) / rows,
    dropInterval: [100 * low, 100 * high],
    rows,
  };
}
