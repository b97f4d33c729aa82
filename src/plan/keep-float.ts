import { nearestNames, usageError } from '../errors.js';
import { allNodes } from '../ir/graph.js';
import type { Model } from '../ir/model.js';

/**
 * Resolves what the user wants left in float: a node's name, an operator type, or a /regular expression/ over names.
 * @returns the names of the nodes meant
 * @throws QuantizeError UNKNOWN_LAYER, BAD_PATTERN (usage): a filter that matches nothing is a mistake, not a wish
 */
export function resolveKeepFloat(model: Model, filters: readonly string[]): Set<string> {
  const nodes = [...allNodes(model.graph)];
  const kept = new Set<string>();
  for (const filter of filters) {
    const matches = matcher(filter);
    const found = nodes.filter((node) => matches(node.name ?? '', node.opType));
    if (found.length === 0)
      throw unknownLayer(
        filter,
        nodes.flatMap((n) => [n.name ?? '', n.opType]),
      );
    for (const node of found) kept.add(node.name ?? '');
  }
  return kept;
}

function matcher(filter: string): (name: string, opType: string) => boolean {
  const pattern = /^\/(.+)\/([a-z]*)$/s.exec(filter);
  if (!pattern) return (name, opType) => name === filter || opType === filter;
  try {
    const regex = new RegExp(pattern[1], pattern[2].replace('g', ''));
    return (name) => regex.test(name);
  } catch (cause) {
    throw usageError('BAD_PATTERN', `"${filter}" is not a regular expression: ${(cause as Error).message}`, {
      cause,
    });
  }
}

function unknownLayer(filter: string, candidates: string[]) {
  const near = nearestNames(filter, new Set(candidates));
  return usageError('UNKNOWN_LAYER', `no node is named, typed or matched by "${filter}"`, {
    hint: near.length
      ? `nearest: ${near.join(', ')}`
      : '`quantize inspect <model> --verbose` lists the nodes',
  });
}
