import { elementCount } from '../../ir/tensor.js';
import type { Legality } from '../mlpackage/index.js';
import type { Operation, Program, Struct } from './program.js';

/** Lanes of a TPU's registers, and rows and columns of its systolic arrays: axes are padded to multiples of it. */
const TILE = 128;

/** A product whose axes do not fill the arrays. */
export interface PaddedLayer {
  node: string;
  /** Sizes of the summed and of the made axis, and what they are padded to. */
  inner: number;
  outer: number;
  paddedInner: number;
  paddedOuter: number;
  /** Share (0…1) of the network's padded multiplications that this layer adds to the needed ones. */
  waste: number;
}

export interface Tiles {
  /** Lanes of a tile. */
  lanes: number;
  /** Share (0…1) of the arrays' multiplications that are needed ones. */
  filled: number;
  /** Most wasteful first. */
  layers: PaddedLayer[];
}

interface Product {
  node: string;
  macs: number;
  inner: number;
  outer: number;
  integer: boolean;
}

/** Multiplications of a dot or a convolution; undefined for other operations. */
function productOf({ type, operands, results, attributes, origin }: Operation): Product | undefined {
  const [x, y] = operands;
  const node = origin;
  const integer = x?.dtype === 'i8';
  if (type === 'stablehlo.convolution') {
    const macs = elementCount(results[0].dims) * elementCount(y.dims.slice(1));
    const groups = Number(attributes.feature_group_count);
    return { node, macs, inner: y.dims[1], outer: y.dims[0] / groups, integer };
  }
  if (type !== 'stablehlo.dot_general') return undefined;
  const { lhs_contracting_dimensions } = (attributes.dot_dimension_numbers as Struct).fields;
  const inner = elementCount((lhs_contracting_dimensions as number[]).map((axis) => x.dims[axis]));
  return {
    node,
    macs: elementCount(results[0].dims) * inner,
    inner,
    outer: results[0].dims.at(-1) ?? 1,
    integer,
  };
}

const products = (program: Program): Product[] => program.operations.flatMap((o) => productOf(o) ?? []);
const padded = (size: number): number => Math.ceil(size / TILE) * TILE;
const work = ({ macs, inner, outer }: Product): number =>
  (macs * padded(inner) * padded(outer)) / Math.max(1, inner * outer);

/**
 * How much of the arrays' work padding makes, a static estimate: XLA may fold spatial axes into the summed one. Depthwise
 * convolutions sum no channels, so they have no place on the arrays.
 */
export function tiles(program: Program): Tiles {
  const all = products(program).filter((p) => p.inner > 1 || p.outer > 1);
  const total = all.reduce((n, p) => n + work(p), 0) || 1;
  const layers = all
    .map((p) => ({
      node: p.node,
      inner: p.inner,
      outer: p.outer,
      paddedInner: padded(p.inner),
      paddedOuter: padded(p.outer),
      waste: (work(p) - p.macs) / total,
    }))
    .filter((p) => p.waste > 0)
    .sort((a, b) => b.waste - a.waste || (a.node < b.node ? -1 : 1));
  return { lanes: TILE, filled: all.reduce((n, p) => n + p.macs, 0) / total, layers };
}

/** XLA compiles a whole module for the chip, so nothing falls to the host. */
export function placement(program: Program): Legality {
  const all = products(program);
  const macs = all.reduce((n, p) => n + p.macs, 0);
  const counts = new Map<string, number>();
  for (const { type } of program.operations)
    if (type !== 'stablehlo.constant') counts.set(type, (counts.get(type) ?? 0) + 1);
  const short = (type: string) => type.replace('stablehlo.', '');
  return {
    operations: Object.fromEntries(
      [...counts].sort((a, b) => b[1] - a[1] || (a[0] < b[0] ? -1 : 1)).map(([t, n]) => [short(t), n]),
    ),
    fallbacks: [],
    fallbackShare: 0,
    int8Macs: all.reduce((n, p) => n + (p.integer ? p.macs : 0), 0) / Math.max(1, macs),
  };
}
