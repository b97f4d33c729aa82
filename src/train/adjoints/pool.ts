import { intAttribute, intsAttribute, makeAttribute } from '../../ir/graph.js';
import type { Builder } from '../builder.js';
import { gradientOf, product, range } from './common.js';
import type { Adjoint, Family } from './types.js';
import { extent, type Windows, windowsOf } from './windows.js';

/**
 * The second output says where each maximum lies, counted through the whole tensor; gradients add up there. Windows may
 * overlap, which MaxUnpool does not bear.
 */
const maxPool: Adjoint = {
  op: 'MaxPool',
  refuses: ({ node }) =>
    intAttribute(node, 'storage_order', 0) === 1 ? 'its indices run along columns' : undefined,
  back: (step) => {
    const { b, node, dims } = step;
    const from = dims(node.inputs[0]);
    node.outputs[1] ||= b.name(`${node.outputs[0]}_indices`);
    const flat = [b.reshape(node.outputs[1], [-1]), b.reshape(gradientOf(step), [-1])];
    const sums = b.op(
      'ScatterElements',
      [b.zeros([product(from)]), ...flat],
      [makeAttribute.int('axis', 0), makeAttribute.string('reduction', 'add')],
    );
    return [b.reshape(sums, from)];
  },
};

/** Positions inside the input that each window covers along one axis; with the padding, where that counts. */
function counts(w: Windows, axis: number, from: number, to: number, padded: boolean): number[] {
  const last = padded ? from + w.after[axis] : from;
  const first = padded ? -w.before[axis] : 0;
  return range(to).map((o) => {
    const start = o * w.strides[axis] - w.before[axis];
    const taps = range(w.kernel[axis]).map((k) => start + k * w.dilations[axis]);
    return taps.filter((at) => at >= first && at < last).length;
  });
}

/** One over the number of values that each average is of, [1, 1, …]. */
function shares(b: Builder, perAxis: number[][]): string {
  const all = perAxis.reduce<number[]>((done, axis) => done.flatMap((n) => axis.map((c) => n * c)), [1]);
  const values = all.map((n) => 1 / n);
  return values.every((v) => v === values[0])
    ? b.number(values[0])
    : b.reals(values, [1, 1, ...perAxis.map((axis) => axis.length)]);
}

/** Each gradient is spread evenly over its window: a ConvTranspose with ones, cut to the input. */
const averagePool: Adjoint = {
  op: 'AveragePool',
  back: (step) => {
    const { b, node, dims } = step;
    const [from, to] = [dims(node.inputs[0]), dims(node.outputs[0])];
    const kernel = intsAttribute(node, 'kernel_shape')!;
    const axes = range(kernel.length);
    const w = windowsOf(node, kernel, from, to);
    const padded = intAttribute(node, 'count_include_pad', 0) === 1;
    const share = shares(
      b,
      axes.map((i) => counts(w, i, from[i + 2], to[i + 2], padded)),
    );
    const channels = from[1];
    const ones = b.reals(new Float32Array(channels * product(kernel)).fill(1), [channels, 1, ...kernel]);
    const spread = b.op(
      'ConvTranspose',
      [b.mul(gradientOf(step), share), ones],
      [
        makeAttribute.ints('strides', w.strides),
        makeAttribute.ints('dilations', w.dilations),
        makeAttribute.int('group', channels),
      ],
    );
    const made = axes.map((i) => (to[i + 2] - 1) * w.strides[i] + extent(w, i));
    const lack = axes.map((i) => Math.max(0, w.before[i] + from[i + 2] - made[i]));
    const long = b.pad(spread, [0, 0, ...axes.map(() => 0)], [0, 0, ...lack]);
    const ends = axes.map((i) => w.before[i] + from[i + 2]);
    return [
      b.slice(
        long,
        axes.map((i) => i + 2),
        w.before,
        ends,
      ),
    ];
  },
};

const globalAveragePool: Adjoint = {
  op: 'GlobalAveragePool',
  back: (step) => {
    const from = step.dims(step.node.inputs[0]);
    return [step.b.expand(step.b.scale(gradientOf(step), 1 / product(from.slice(2))), from)];
  },
};

export const poolFamily: Family = [maxPool, averagePool, globalAveragePool];
