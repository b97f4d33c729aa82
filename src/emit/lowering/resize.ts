import { attribute, floatAttribute, intAttribute, stringAttribute } from '../../ir/graph.js';
import type { Node } from '../../ir/model.js';

/** How an axis becomes one of `cells` cells: each is looked up, or a weighted sum of the old ones. */
export interface AxisMap {
  axis: number;
  cells: number;
  /** Of nearest resizing: which cell each one is. */
  sources?: number[];
  /** Of linear and cubic resizing: [cells, old size]. */
  matrix?: Float32Array;
}

type Refuse = (why: string) => never;

/** Where cell i of an axis of `to` cells lies among `from` cells, as ONNX defines it. */
const COORDINATES: Record<string, (i: number, from: number, to: number, scale: number) => number> = {
  half_pixel: (i, _from, _to, scale) => (i + 0.5) / scale - 0.5,
  pytorch_half_pixel: (i, _from, to, scale) => (to > 1 ? (i + 0.5) / scale - 0.5 : 0),
  asymmetric: (i, _from, _to, scale) => i / scale,
  align_corners: (i, from, to) => (to > 1 ? (i * (from - 1)) / (to - 1) : 0),
};

const ROUNDING: Record<string, (x: number) => number> = {
  floor: Math.floor,
  ceil: Math.ceil,
  round_prefer_floor: (x) => Math.ceil(x - 0.5),
  round_prefer_ceil: (x) => Math.floor(x + 0.5),
};

/**
 * A Resize axis by axis: with sizes known, each is a look-up at fixed places or a product with a fixed matrix. Axes that
 * stay as they are are left out.
 * @param stated its factors, where it states some: they count, as sizes are only their rounded products
 * @throws what `refuse` throws, for forms that are no such product
 */
export function resizeAxes(
  node: Node,
  from: readonly number[],
  to: readonly number[],
  stated: ArrayLike<number> | undefined,
  refuse: Refuse,
): AxisMap[] {
  const name = stringAttribute(node, 'coordinate_transformation_mode', 'half_pixel');
  const coordinate = COORDINATES[name] ?? refuse(`${name} coordinates have no counterpart`);
  if (intAttribute(node, 'antialias', 0) || intAttribute(node, 'exclude_outside', 0))
    return refuse('resizing with antialias or exclude_outside has no counterpart');
  if (stringAttribute(node, 'keep_aspect_ratio_policy', 'stretch') !== 'stretch')
    return refuse('resizing that keeps the aspect ratio has no counterpart');
  const scales = scalesOf(node, from, to, stated);
  const weigh = weights(node, refuse);
  return scales.flatMap((scale, axis) => {
    const size = from[axis];
    if (to[axis] === size && scale === 1) return [];
    const places = Array.from({ length: to[axis] }, (_, i) => coordinate(i, size, to[axis], scale));
    return [{ axis, cells: to[axis], ...weigh(places, size) }];
  });
}

function scalesOf(
  node: Node,
  from: readonly number[],
  to: readonly number[],
  stated: ArrayLike<number> | undefined,
): number[] {
  const scales = to.map((d, i) => d / from[i]);
  const axes = attribute(node, 'axes')?.ints.map(Number) ?? Array.from(from.keys());
  if (stated?.length)
    for (const [i, axis] of axes.entries()) scales[axis < 0 ? axis + from.length : axis] = stated[i];
  return scales;
}

type Weigh = (places: number[], size: number) => Pick<AxisMap, 'sources' | 'matrix'>;

function weights(node: Node, refuse: Refuse): Weigh {
  const mode = stringAttribute(node, 'mode', 'nearest');
  const within = (cell: number, size: number) => Math.min(Math.max(cell, 0), size - 1);
  if (mode === 'nearest') {
    const rounding = ROUNDING[stringAttribute(node, 'nearest_mode', 'round_prefer_floor')];
    return (places, size) => ({ sources: places.map((p) => within(rounding(p), size)) });
  }
  const kernel = { linear, cubic: cubic(floatAttribute(node, 'cubic_coeff_a', -0.75)) }[mode];
  if (!kernel) return refuse(`${mode} resizing has no counterpart`);
  return (places, size) => {
    const matrix = new Float32Array(places.length * size);
    places.forEach((place, row) => {
      for (const [cell, weight] of kernel(place)) matrix[row * size + within(cell, size)] += weight;
    });
    return { matrix };
  };
}

type Kernel = (place: number) => [cell: number, weight: number][];

const linear: Kernel = (place) => {
  const cell = Math.floor(place);
  return [
    [cell, 1 - (place - cell)],
    [cell + 1, place - cell],
  ];
};

/** Keys' kernel (ONNX's cubic_coeff_a). */
const cubic =
  (a: number): Kernel =>
  (place) => {
    const cell = Math.floor(place);
    return [0, 1, 2, 3].map((i): [number, number] => {
      const d = Math.abs(place - (cell - 1 + i));
      const weight =
        d <= 1 ? ((a + 2) * d - (a + 3)) * d * d + 1 : a * d * d * d - 5 * a * d * d + 8 * a * d - 4 * a;
      return [cell - 1 + i, weight];
    });
  };

/** The whole factor by which cells are repeated, where that is all that is done. */
export function repeats({ cells, sources }: AxisMap, size: number): number | undefined {
  const factor = cells / size;
  const isRepeated = Number.isInteger(factor) && sources?.every((s, i) => s === Math.floor(i / factor));
  return isRepeated ? factor : undefined;
}
