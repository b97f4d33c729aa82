import { stringAttribute } from '../../../ir/graph.js';
import { int, text } from '../literal.js';
import type { Family, Lower } from './types.js';

/** ONNX's coordinates → Core ML's sampling mode; the grids are the same by both definitions. */
const SAMPLING: Record<string, string> = {
  half_pixel: 'UNALIGN_CORNERS',
  pytorch_half_pixel: 'UNALIGN_CORNERS',
  asymmetric: 'DEFAULT',
  align_corners: 'STRICT_ALIGN_CORNERS',
};

const resize: Lower = (node, c) => {
  const x = c.input(0);
  const dims = c.dims(node.outputs[0]);
  if (x.dims.length !== 4 || dims[0] !== x.dims[0] || dims[1] !== x.dims[1])
    return c.refuse('only height and width of [N, C, H, W] can be resized');
  const coordinates = stringAttribute(node, 'coordinate_transformation_mode', 'half_pixel');
  const mode = stringAttribute(node, 'mode', 'nearest');
  if (mode === 'nearest') return nearest(node, c);
  const sampling = SAMPLING[coordinates];
  if (mode !== 'linear' || !sampling)
    return c.refuse(`${mode} resizing with ${coordinates} coordinates has no counterpart`);
  const inputs = {
    x,
    target_size_height: int(dims[2]),
    target_size_width: int(dims[3]),
    sampling_mode: text(sampling),
  };
  return c.op('resize_bilinear', inputs, dims);
};

/**
 * Whole factors repeat each cell: floor(i / f) is what `asymmetric` with `floor` asks for, and half_pixel with
 * round_prefer_floor too, as (i + ½) / f − ½ rounds to the same cell.
 */
const nearest: Lower = (node, c) => {
  const x = c.input(0);
  const dims = c.dims(node.outputs[0]);
  const factors = [dims[2] / x.dims[2], dims[3] / x.dims[3]];
  const coordinates = stringAttribute(node, 'coordinate_transformation_mode', 'half_pixel');
  const rounding = stringAttribute(node, 'nearest_mode', 'round_prefer_floor');
  const repeats =
    (coordinates === 'asymmetric' && rounding === 'floor') ||
    (coordinates.endsWith('half_pixel') && rounding.startsWith('round_prefer'));
  if (!repeats || !factors.every(Number.isInteger))
    return c.refuse(
      `nearest resizing by ${factors.join('×')} with ${coordinates} and ${rounding} has no counterpart`,
    );
  const inputs = { x, scale_factor_height: int(factors[0]), scale_factor_width: int(factors[1]) };
  return c.op('upsample_nearest_neighbor', inputs, dims);
};

export const RESIZE: Family = { Resize: resize };
