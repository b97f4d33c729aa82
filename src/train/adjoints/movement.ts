import {
  floatAttribute,
  intAttribute,
  intsAttribute,
  makeAttribute,
  stringAttribute,
} from '../../ir/graph.js';
import { axisOf, gradientOf, ints, needsConstants, product, range, same, unbroadcast } from './common.js';
import type { Adjoint, Family, Step } from './types.js';

const back = (op: string, rule: (step: Step) => string, more: Partial<Adjoint> = {}): Adjoint => ({
  op,
  back: (step) => [rule(step)],
  ...more,
});

/** What only changes the shape: the gradient in the shape that came in. */
const reshaped = (op: string): Adjoint =>
  back(op, (step) => step.b.reshape(gradientOf(step), step.dims(step.node.inputs[0])));

const transpose = back('Transpose', (step) => {
  const rank = step.dims(step.node.inputs[0]).length;
  const perm = intsAttribute(step.node, 'perm') ?? range(rank).reverse();
  return step.b.transpose(
    gradientOf(step),
    range(rank).map((i) => perm.indexOf(i)),
  );
});

const concat: Adjoint = {
  op: 'Concat',
  back: (step) => {
    const { b, node, dims, wants } = step;
    const axis = axisOf(intAttribute(node, 'axis', 0), dims(node.outputs[0]).length);
    let at = 0;
    return node.inputs.map((input, i) => {
      const start = at;
      at += dims(input)[axis];
      return wants(i) ? b.slice(gradientOf(step), [axis], [start], [at]) : undefined;
    });
  },
};

const split = back('Split', ({ b, node, dims, gradients }) => {
  const axis = axisOf(intAttribute(node, 'axis', 0), dims(node.inputs[0]).length);
  return b.concat(
    node.outputs.map((output, i) => gradients[i] ?? b.zeros(dims(output))),
    axis,
  );
});

/** Where each axis of a Slice begins, and its step. */
function sliceOf(step: Step) {
  const from = step.dims(step.node.inputs[0]);
  const starts = ints(step, 1)!;
  const axes = (ints(step, 3) ?? range(starts.length)).map((a) => axisOf(a, from.length));
  const steps = ints(step, 4) ?? starts.map(() => 1);
  const begin = from.map(() => 0);
  const stride = from.map(() => 1);
  axes.forEach((axis, i) => {
    const size = from[axis];
    const start = starts[i] < 0 ? starts[i] + size : starts[i];
    begin[axis] = steps[i] > 0 ? Math.min(Math.max(start, 0), size) : Math.min(Math.max(start, 0), size - 1);
    stride[axis] = steps[i];
  });
  return { from, begin, stride };
}

/** The gradient where the values were, zeros elsewhere. */
const slice = back(
  'Slice',
  (step) => {
    const { b, node, dims } = step;
    const to = dims(node.outputs[0]);
    const { from, begin, stride } = sliceOf(step);
    const g = gradientOf(step);
    if (stride.every((s) => s === 1))
      return b.pad(
        g,
        begin,
        from.map((d, i) => d - begin[i] - to[i]),
      );
    return scatter(step, g, from, positions(from, to, begin, stride));
  },
  { refuses: needsConstants(1, 2, 3, 4) },
);

/** Where each value of a strided view lies in the tensor, counted through it. */
function positions(from: number[], to: number[], begin: number[], stride: number[]): number[] {
  return from.reduce<number[]>(
    (done, size, axis) =>
      done.flatMap((at) => range(to[axis]).map((i) => at * size + begin[axis] + i * stride[axis])),
    [0],
  );
}

const ADD = makeAttribute.string('reduction', 'add');

/** Adds the gradient up at constant positions of a tensor of zeros. */
function scatter({ b }: Step, g: string, from: number[], at: number[]): string {
  const sums = b.op('ScatterElements', [b.zeros([product(from)]), b.ints(at), b.reshape(g, [-1])], [ADD]);
  return b.reshape(sums, from);
}

const pad = back(
  'Pad',
  (step) => {
    const { b, dims, node } = step;
    const from = dims(node.inputs[0]);
    const rank = from.length;
    const axes = (ints(step, 3) ?? range(rank)).map((a) => axisOf(a, rank));
    const before = ints(step, 1)!.slice(0, axes.length);
    return b.slice(
      gradientOf(step),
      axes,
      before,
      axes.map((a, i) => before[i] + from[a]),
    );
  },
  {
    refuses: (step) => {
      if (stringAttribute(step.node, 'mode', 'constant') !== 'constant') return 'it repeats values';
      return (
        needsConstants(1, 3)(step) ?? (ints(step, 1)!.some((p) => p < 0) ? 'it cuts values off' : undefined)
      );
    },
  },
);

const expand = back('Expand', ({ b, node, dims, ...step }) =>
  unbroadcast(b, step.gradients[0]!, dims(node.outputs[0]), dims(node.inputs[0])),
);

/** Rows that were read several times get the sum of their gradients. */
const gather = back('Gather', (step) => {
  const { b, node, dims } = step;
  const [data, indices] = node.inputs;
  const from = dims(data);
  const axis = axisOf(intAttribute(node, 'axis', 0), from.length);
  const [lead, rest] = [from.slice(0, axis), from.slice(axis + 1)];
  const rows = dims(indices).length;
  const at = b.reshape(b.op('Cast', [indices], [makeAttribute.int('to', 7)]), [-1, 1]);
  const order = [...range(rows).map((i) => axis + i), ...range(axis), ...rest.map((_, i) => axis + rows + i)];
  const first = b.reshape(b.transpose(gradientOf(step), order), [product(dims(indices)), ...lead, ...rest]);
  const sums = b.op('ScatterND', [b.zeros([from[axis], ...lead, ...rest]), at, first], [ADD]);
  return b.transpose(sums, [...lead.map((_, i) => i + 1), 0, ...rest.map((_, i) => axis + 1 + i)]);
});

const depthToSpace = back('DepthToSpace', (step) => {
  const { b, node, dims } = step;
  const [n, c, h, w] = dims(node.inputs[0]);
  const s = intAttribute(node, 'blocksize', 1);
  const split = b.reshape(gradientOf(step), [n, c / s / s, h, s, w, s]);
  const crd = stringAttribute(node, 'mode', 'DCR') === 'CRD';
  return b.reshape(b.transpose(split, crd ? [0, 1, 3, 5, 2, 4] : [0, 3, 5, 1, 2, 4]), [n, c, h, w]);
});

const spaceToDepth = back('SpaceToDepth', (step) => {
  const { b, node, dims } = step;
  const [n, c, h, w] = dims(node.inputs[0]);
  const s = intAttribute(node, 'blocksize', 1);
  const split = b.reshape(gradientOf(step), [n, s, s, c, h / s, w / s]);
  return b.reshape(b.transpose(split, [0, 3, 4, 1, 5, 2]), [n, c, h, w]);
});

/** Nearest pixels at whole factors: each value was repeated. Other forms are refused. */
const resize = back(
  'Resize',
  (step) => {
    const { b, node, dims } = step;
    const [from, to] = [dims(node.inputs[0]), dims(node.outputs[0])];
    const parts = b.reshape(
      gradientOf(step),
      from.flatMap((d, i) => [d, to[i] / d]),
    );
    return b.sum(
      parts,
      from.map((_, i) => 2 * i + 1),
      false,
    );
  },
  {
    refuses: ({ node, dims }) => {
      const [from, to] = [dims(node.inputs[0]), dims(node.outputs[0])];
      if (same(from, to)) return undefined;
      const nearest = stringAttribute(node, 'mode', 'nearest') === 'nearest';
      const whole = from.every((d, i) => to[i] % d === 0) && floatAttribute(node, 'cubic_coeff_a', 0) === 0;
      const aligned =
        stringAttribute(node, 'coordinate_transformation_mode', 'half_pixel') === 'align_corners';
      return nearest && whole && !aligned ? undefined : 'it interpolates';
    },
  },
);

export const movementFamily: Family = [
  reshaped('Reshape'),
  reshaped('Flatten'),
  reshaped('Squeeze'),
  reshaped('Unsqueeze'),
  transpose,
  concat,
  split,
  slice,
  pad,
  expand,
  gather,
  depthToSpace,
  spaceToDepth,
  resize,
];
