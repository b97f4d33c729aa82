import type { Feeds, TensorValue } from '../runtime/types.js';
import { best } from './classify.js';
import { floatElements } from './errorsums.js';
import type { TokenMetrics } from './types.js';

/** Sums of one model over the positions whose next token is known. */
interface Side {
  /** Σ −ln p(next token), in nats. */
  loss: number;
  right: number;
}

/**
 * How well language models foresee the next token of the samples: an output [batch, positions, tokens] beside an integer
 * input [batch, positions] of token numbers is taken for one. Labels are the samples themselves, one place further.
 */
export class TokenAccumulator {
  private readonly float: Side = { loss: 0, right: 0 };
  private readonly quantized: Side = { loss: 0, right: 0 };
  private agree = 0;
  private positions = 0;

  constructor(readonly output: string) {}

  add(feeds: Feeds, x: TensorValue, y: TensorValue): void {
    const ids = tokenIds(feeds, x.dims);
    const [a, b] = [floatElements(x), floatElements(y)];
    if (!ids || !a || !b || a.length !== b.length) return;
    const [batch, length, vocabulary] = x.dims;
    for (let row = 0; row < batch; row++)
      for (let t = 0; t + 1 < length; t++) {
        const next = ids[row * length + t + 1];
        const at = (row * length + t) * vocabulary;
        this.agree +=
          count(this.float, a, at, vocabulary, next) === count(this.quantized, b, at, vocabulary, next)
            ? 1
            : 0;
        this.positions++;
      }
  }

  get metrics(): TokenMetrics | undefined {
    const { positions, output } = this;
    if (positions === 0) return undefined;
    const figures = ({ loss, right }: Side) => ({ nll: loss / positions, accuracy: right / positions });
    return {
      output,
      positions,
      float: figures(this.float),
      quantized: figures(this.quantized),
      agreement: this.agree / positions,
    };
  }
}

/** Adds one position; returns the most likely token. */
function count(side: Side, scores: ArrayLike<number>, at: number, size: number, next: number): number {
  const [top] = best(scores, at, size, 1);
  let sum = 0;
  for (let i = 0; i < size; i++) sum += Math.exp(scores[at + i] - scores[at + top]);
  side.loss += Math.log(sum) + scores[at + top] - scores[at + next];
  if (top === next) side.right++;
  return top;
}

/** The token numbers that the scores speak of: the only integers of that shape, each below the number of scores. */
function tokenIds(feeds: Feeds, dims: readonly number[]): number[] | undefined {
  if (dims.length !== 3 || dims[1] < 2) return undefined;
  const fitting = Object.values(feeds).filter(
    (v) =>
      (v.dtype === 'int64' || v.dtype === 'int32') &&
      v.dims.length === 2 &&
      v.dims.every((d, i) => d === dims[i]),
  );
  if (fitting.length !== 1) return undefined;
  const ids = Array.from(fitting[0].data as ArrayLike<number | bigint>, Number);
  return ids.every((id) => id >= 0 && id < dims[2]) ? ids : undefined;
}
