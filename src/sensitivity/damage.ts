import { rowDivergence } from '../../kernels/divergence.js';
import type { TensorValue } from '../runtime/types.js';
import { best, classRows } from '../verify/classify.js';
import { addSums, type ErrorSums, emptySums, floatElements, sqnrDb } from '../verify/errorsums.js';
import { lowestSqnr } from '../verify/index.js';
import type { Damage } from './types.js';

type Values = Record<string, TensorValue>;

/** Running sums over samples of what outputs lose against those of the float model. */
export class DamageSums {
  private readonly errors = new Map<string, ErrorSums>();
  private rows = 0;
  private divergence = 0;
  private agree = 0;
  private labelled = 0;
  private lost = 0;

  /** @param label right class of a row, where it is known */
  add(float: Values, quantized: Values, label?: (row: number, rows: number) => number | undefined): void {
    let classified = false;
    for (const [name, value] of Object.entries(float)) {
      const [x, y] = [floatElements(value), floatElements(quantized[name])];
      if (!x || !y || x.length !== y.length) continue;
      const sums = this.errors.get(name) ?? emptySums();
      this.errors.set(name, sums);
      addSums(sums, x, y);
      const shape = rowsOf(value.dims);
      if (!shape || classified) continue;
      classified = true;
      for (let row = 0; row < shape.rows; row++)
        this.addRow(x, y, row * shape.classes, shape.classes, label?.(row, shape.rows));
    }
  }

  private addRow(
    x: ArrayLike<number>,
    y: ArrayLike<number>,
    at: number,
    classes: number,
    label: number | undefined,
  ): void {
    const [[a], [b]] = [best(x, at, classes, 1), best(y, at, classes, 1)];
    this.rows++;
    this.divergence += rowDivergence(x, y, at, classes);
    if (a === b) this.agree++;
    if (label === undefined) return;
    this.labelled++;
    this.lost += Number(a === label) - Number(b === label);
  }

  get damage(): Damage {
    const { rows, labelled } = this;
    const sums = [...this.errors.values()];
    return {
      sqnrDb: lowestSqnr(sums.map(sqnrDb)),
      noise: sums.reduce((total, { error, xx }) => total + (error === 0 ? 0 : error / xx), 0),
      ...(rows > 0 && { kl: this.divergence / rows, agreement: this.agree / rows }),
      ...(labelled > 0 && { top1Drop: (100 * this.lost) / labelled }),
    };
  }
}

/** Rows of class scores; of a language model, one a position. */
export const rowsOf = (dims: readonly number[]) =>
  dims.length === 3 && dims[2] > 2 ? { rows: dims[0] * dims[1], classes: dims[2] } : classRows(dims);
