import { intAttribute, intsAttribute } from '../../../ir/graph.js';
import type { Node } from '../../../ir/model.js';
import { type Window, windowOf } from '../../lowering/window.js';
import { identityOf, range } from '../builder.js';
import type { Context } from '../context.js';
import type { Combine, Value } from '../program.js';
import type { Family, Lower } from './types.js';

function poolWindow(node: Node, c: Context): Window {
  const kernel = intsAttribute(node, 'kernel_shape') ?? c.refuse('it states no kernel_shape');
  return windowOf(node, kernel, c.dims(node.inputs[0]).slice(2), c.dims(node.outputs[0]).slice(2));
}

/** A window over the spatial axes of [N, C, …]; `combine` of what lies in it. */
export function reduceWindow(
  c: Context,
  x: Value,
  combine: Combine,
  window: Omit<Window, 'extra'>,
  lead = 2,
): Value {
  const { kernel, strides, dilations, begin, end } = window;
  const ones = (values: number[]) => [...Array<number>(lead).fill(1), ...values];
  const cells = kernel.map((k, i) => {
    const size = x.dims[i + lead] + begin[i] + end[i];
    return Math.floor((size - (k - 1) * dilations[i] - 1) / strides[i]) + 1;
  });
  const attributes = {
    window_dimensions: ones(kernel),
    window_strides: ones(strides),
    base_dilations: x.dims.map(() => 1),
    window_dilations: ones(dilations),
    padding: [...Array.from({ length: lead }, () => [0, 0]), ...begin.map((b, i) => [b, end[i]])],
  };
  const start = c.scalar(identityOf(combine, x.dtype), x.dtype);
  const result = { dtype: x.dtype, dims: [...x.dims.slice(0, lead), ...cells] };
  return c.ops('reduce_window', [x, start], [result], attributes, combine)[0];
}

const maxPool: Lower = (node, c) => {
  if (node.outputs[1]) return c.refuse('its indices are read');
  return reduceWindow(c, c.input(0), 'maximum', poolWindow(node, c));
};

/** The sum, divided by the cells that a window holds: those inside the map, or of its padding too. */
const averagePool: Lower = (node, c) => {
  const x = c.input(0);
  const window = poolWindow(node, c);
  const sum = reduceWindow(c, x, 'add', window);
  const padding = intAttribute(node, 'count_include_pad', 0) === 1;
  const counts = cellCounts(x.dims.slice(2), sum.dims.slice(2), window, padding);
  return c.divide(
    sum,
    counts.every((n) => n === counts[0]) ? c.scalar(counts[0]) : c.constant('f32', sum.dims.slice(2), counts),
  );
};

/** How many counted cells each window covers. Cells that only ceil_mode brings in never count. */
function cellCounts(input: number[], output: number[], w: Window, padding: boolean): number[] {
  const along = output.map((cells, axis) =>
    range(cells).map((cell) => {
      const first = cell * w.strides[axis] - w.begin[axis];
      const [low, high] = padding
        ? [-w.begin[axis], input[axis] + w.end[axis] - w.extra[axis]]
        : [0, input[axis]];
      return range(w.kernel[axis]).filter((k) => {
        const at = first + k * w.dilations[axis];
        return at >= low && at < high;
      }).length;
    }),
  );
  return along.reduce<number[]>((all, counts) => all.flatMap((n) => counts.map((m) => n * m)), [1]);
}

const spatial = (x: Value): number[] => range(x.dims.length, 2);

const globalAverage: Lower = (_, c) => {
  const x = c.input(0);
  const cells = spatial(x).reduce((n, axis) => n * x.dims[axis], 1);
  return c.divide(c.reduce('add', x, spatial(x), true), c.scalar(cells));
};

export const POOL: Family = {
  MaxPool: maxPool,
  AveragePool: averagePool,
  GlobalAveragePool: globalAverage,
  GlobalMaxPool: (_, c) => {
    const x = c.input(0);
    return c.reduce('maximum', x, spatial(x), true);
  },
};
