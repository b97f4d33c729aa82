import type { Front } from '../../sensitivity/types.js';

/** One line a point, the cheapest first; the columns of formats say how many layers have each. */
export function frontCsv({ points, unit, float }: Front): string {
  const formats = [...new Set(points.flatMap((p) => Object.keys(p.layers)))];
  const head = ['kind', 'name', unit, 'share_of_float', 'predicted_db', 'verified_db', 'chosen', ...formats];
  const lines = points.map((p) =>
    [
      p.kind,
      `"${p.name}"`,
      Number(p.cost.toPrecision(8)),
      (p.cost / float).toFixed(4),
      p.predictedDb?.toFixed(2) ?? '',
      p.verifiedDb?.toFixed(2) ?? '',
      p.chosen ? 1 : 0,
      ...formats.map((f) => p.layers[f] ?? 0),
    ].join(','),
  );
  return `${[head.join(','), ...lines].join('\n')}\n`;
}
