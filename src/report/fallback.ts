import type { Target } from '../../targets/types.js';
import { intsAttribute, isOp } from '../ir/graph.js';
import type { Kernel } from './kernels.js';
import type { Shapes } from './shapes.js';

/** Why the chip is not expected to run a kernel; undefined when it is. */
export function fallbackReason(
  { anchor, reads, writes }: Kernel,
  shapes: Shapes,
  { name, fallback }: Target,
): string | undefined {
  if (!fallback) return undefined;
  if (isOp(anchor, ...fallback.operators)) return `${name} has no ${anchor.opType}`;
  const limit = fallback.longestAxis?.value;
  const long = [...reads, ...writes]
    .flatMap((value) => shapes.dims(value) ?? [])
    .find((n) => n > (limit ?? n));
  if (long !== undefined) return `an axis of ${long} exceeds ${limit}, the longest of ${name}`;
  const widest = fallback.widestAverage?.value;
  const window = isOp(anchor, 'AveragePool') ? (intsAttribute(anchor, 'kernel_shape') ?? []) : [];
  if (window.some((n) => n > (widest ?? n))) return `an average over ${window.join('×')} exceeds ${widest}`;
  return undefined;
}
