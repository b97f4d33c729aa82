import type { Trainer } from '../../train/index.js';

const [MOST_NAMES, MOST_REASONS] = [5, 3];

/** Names of what no gradient reaches, and the operators that are the reason. */
export function unreached({ frozen, cuts }: Pick<Trainer, 'frozen' | 'cuts'>): string {
  const reasons = new Set(cuts.map((c) => `${c.node.opType} "${c.node.name}": ${c.reason}`));
  const named = frozen.slice(0, MOST_NAMES).map((name) => `"${name}"`);
  const more = frozen.length > MOST_NAMES ? ', …' : '';
  return `(${named.join(', ')}${more}), since no gradient reaches them: ${[...reasons].slice(0, MOST_REASONS).join('; ')}`;
}
