import type { TitledTable } from './sensitivity/tables.js';
import type { Report } from './types.js';
import { decibel, percent } from './units.js';

/** What keeps the outputs from being better, the costliest first; undefined where nothing was looked for. */
export function lossTable({ losses = [] }: Report): TitledTable | undefined {
  if (losses.length === 0) return undefined;
  return {
    title: 'Where most is lost: the outputs with one thing alone rounded',
    head: ['What', 'Tensor', 'Layer', 'Outputs', 'Of all noise'],
    rows: losses.map(({ kind, tensor, node, outputDb, share }) => [
      kind,
      tensor,
      node,
      decibel(outputDb),
      percent(share, 0),
    ]),
  };
}

/** Names that a cell shows. */
const NAMED = 8;

/** What a step does, and to what where that can be named. */
export function stepText({ description, changed = [] }: { description: string; changed?: string[] }): string {
  if (changed.length === 0) return description;
  const rest = changed.length - NAMED;
  return `${description}: ${changed.slice(0, NAMED).join(', ')}${rest > 0 ? ` and ${rest} more` : ''}`;
}
