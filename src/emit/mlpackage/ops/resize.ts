import { stringAttribute } from '../../../ir/graph.js';
import type { Node } from '../../../ir/model.js';
import { type AxisMap, repeats, resizeAxes } from '../../lowering/resize.js';
import { type Context, range } from '../context.js';
import { flag, floats, int, ints, text } from '../literal.js';
import type { Var } from '../program.js';
import type { Family, Lower } from './types.js';

/** ONNX's coordinates → Core ML's sampling mode; the grids are the same by both definitions. */
const SAMPLING: Record<string, string> = {
  half_pixel: 'UNALIGN_CORNERS',
  pytorch_half_pixel: 'UNALIGN_CORNERS',
  asymmetric: 'DEFAULT',
  align_corners: 'STRICT_ALIGN_CORNERS',
};

/** Core ML's own operations where they say the same; look-ups or products with a matrix, axis by axis, where not. */
const resize: Lower = (node, c) => {
  const x = c.input(0);
  const dims = c.dims(node.outputs[0]);
  const stated = node.inputs[2] ? c.floats(node.inputs[2]) : undefined;
  const maps = resizeAxes(node, x.dims, dims, stated, (why) => c.refuse(why));
  const isImage = x.dims.length === 4 && maps.every((m) => m.axis >= 2);
  const made = isImage ? (repeated(c, x, maps, dims) ?? sampled(node, c, x, maps, dims, stated)) : undefined;
  return (
    made ??
    maps.reduce((v, map) => (map.matrix ? interpolated(c, v, map, map.matrix) : lookedUp(c, v, map)), x)
  );
};

function repeated(c: Context, x: Var, maps: readonly AxisMap[], dims: number[]): Var | undefined {
  const factors = [2, 3].map((axis) => {
    const map = maps.find((m) => m.axis === axis);
    return map ? repeats(map, x.dims[axis]) : 1;
  });
  if (factors.includes(undefined)) return undefined;
  const [height, width] = factors as number[];
  const inputs = { x, scale_factor_height: int(height), scale_factor_width: int(width) };
  return c.op('upsample_nearest_neighbor', inputs, dims);
}

/** Core ML takes its factors from the sizes, so stated ones must be those, but for `align_corners`, which has none. */
function sampled(
  node: Node,
  c: Context,
  x: Var,
  maps: readonly AxisMap[],
  dims: number[],
  stated: ArrayLike<number> | undefined,
): Var | undefined {
  const coordinates = stringAttribute(node, 'coordinate_transformation_mode', 'half_pixel');
  if (stringAttribute(node, 'mode', 'nearest') !== 'linear') return undefined;
  const agree = maps.every(({ axis, cells }) => cells > 1 && agrees(cells / x.dims[axis], stated));
  if (coordinates !== 'align_corners' && !agree) return undefined;
  const inputs = {
    x,
    target_size_height: int(dims[2]),
    target_size_width: int(dims[3]),
    sampling_mode: text(SAMPLING[coordinates]),
  };
  return c.op('resize_bilinear', inputs, dims);
}

const agrees = (factor: number, stated: ArrayLike<number> | undefined): boolean =>
  !stated?.length || Array.from(stated).some((s) => Math.abs(s / factor - 1) < 2 ** -20);

function lookedUp(c: Context, x: Var, { axis, cells, sources }: AxisMap): Var {
  const inputs = {
    x,
    indices: ints(sources!),
    axis: int(axis),
    batch_dims: int(0),
    validate_indices: flag(false),
  };
  return c.op('gather', inputs, withSize(x.dims, axis, cells));
}

/** x with its axis multiplied by [cells, size]. */
function interpolated(c: Context, x: Var, { axis, cells }: AxisMap, matrix: Float32Array): Var {
  const last = x.dims.length - 1;
  const order = [...range(x.dims.length).filter((i) => i !== axis), axis];
  const moved = axis === last ? x : c.transpose(x, order);
  const weight = floats(c.float, matrix, [cells, x.dims[axis]]);
  const product = c.op('linear', { x: moved, weight }, withSize(moved.dims, last, cells));
  return axis === last
    ? product
    : c.transpose(
        product,
        order.map((_, i) => order.indexOf(i)),
      );
}

const withSize = (dims: readonly number[], axis: number, size: number): number[] =>
  dims.map((d, i) => (i === axis ? size : d));

export const RESIZE: Family = { Resize: resize };
