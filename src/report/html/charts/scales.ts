import type { Bound } from '../../types.js';

/** What binds a kernel, and its colour. */
export const BOUNDS: readonly { id: Bound; label: string }[] = [
  { id: 'compute', label: 'bound by arithmetic' },
  { id: 'memory', label: 'bound by memory' },
  { id: 'overhead', label: 'bound by launching it' },
];

export const boundColour = {
  name: 'bound',
  type: 'ordinal',
  domain: BOUNDS.map((b) => b.id),
  range: BOUNDS.map((b) => `var(--${b.id})`),
} as const;
