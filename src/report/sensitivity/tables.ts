import type { Report } from '../types.js';
import { byteText, decibel, digits, percent } from '../units.js';

/** A titled table of texts, for pages and Markdown. */
export interface TitledTable {
  title: string;
  head: string[];
  rows: string[][];
}

/** What budgets buy, the least first; undefined where no front was worked out. */
export function frontTable({ front }: Report): TitledTable | undefined {
  if (!front) return undefined;
  const formats = [...new Set(front.points.flatMap((p) => Object.keys(p.layers)))];
  return {
    title: `What a budget of ${front.of} buys (${front.points.length})`,
    head: ['Formats', front.of, 'Of FP32', 'Predicted', 'Measured', ...formats],
    rows: front.points.map((p) => [
      p.chosen ? `${p.name || p.kind} (chosen)` : p.name || p.kind,
      front.of === 'size' ? byteText(p.cost) : `${digits(p.cost)} ${front.unit}`,
      percent(p.cost / front.float),
      decibel(p.predictedDb),
      decibel(p.verifiedDb),
      ...formats.map((f) => String(p.layers[f] ?? 0)),
    ]),
  };
}

/** The layers that cost most in the formats that they have; undefined where nothing was measured. */
export function sensitivityTable({ sensitivity = [] }: Report, most: number): TitledTable | undefined {
  if (sensitivity.length === 0) return undefined;
  const own = (row: (typeof sensitivity)[number]) => row.candidates.find((c) => c.candidate === row.format);
  const costliest = sensitivity
    .toSorted((a, b) => (own(a)?.outputDb ?? Infinity) - (own(b)?.outputDb ?? Infinity))
    .slice(0, most);
  const ids = sensitivity[0].candidates.map((c) => c.candidate);
  return {
    title: `Sensitivity: the outputs with one layer alone in a format (${costliest.length} of ${sensitivity.length})`,
    head: ['Layer', 'Has', ...ids.map((id) => `${id}, dB`)],
    rows: costliest.map(({ node, format, candidates }) => [
      node,
      format,
      ...candidates.map((c) => c.outputDb?.toFixed(1) ?? 'equal'),
    ]),
  };
}
