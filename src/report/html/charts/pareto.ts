import type { ComparisonRow, ReportComparison } from '../../comparison.js';
import { digits, figureText } from '../../units.js';
import { chart, type Spec } from '../chart.js';
import type { Markup } from '../markup.js';

/** Colours of the chips, in the order in which they first come. */
export const CHIP_COLOURS = ['compute', 'memory', 'good', 'bad', 'overhead', 'warn'].map(
  (c) => `var(--${c})`,
);

export const chipsOf = ({ rows }: ReportComparison): string[] => [
  ...new Set(rows.map((row) => row.target.name)),
];

/** What the upright axis shows: energy where every chip's is known, the bytes of the parameters otherwise. */
const AXES = [
  { title: 'energy of a run, mJ', of: (row: ComparisonRow) => row.energyMj?.value },
  { title: 'parameters, bytes', of: (row: ComparisonRow) => row.parameterBytes },
];

export function paretoPoints({ rows }: ReportComparison) {
  const supported = rows.filter((row) => row.latencyMs);
  const axis = AXES.find(({ of }) => supported.every((row) => of(row) !== undefined))!;
  const points = supported.map((row) => ({
    x: row.latencyMs!.value,
    y: axis.of(row)!,
    chip: row.target.name,
    id: row.target.id,
    scheme: row.scheme || 'as it stands',
    front: row.front,
    text: `${row.target.name}, ${row.scheme || 'as it stands'}\n${figureText(row.latencyMs)}, ${figureText(row.energyMj)}${row.speedup === undefined ? '' : `\n${digits(row.speedup)}× over float`}`,
  }));
  return { title: axis.title, points };
}

/** Latency against energy: what nothing beats in both is joined by a line. */
export async function paretoChart(comparison: ReportComparison): Promise<Markup | undefined> {
  const { title, points } = paretoPoints(comparison);
  if (points.length < 2) return undefined;
  const front = points.filter((p) => p.front).toSorted((a, b) => a.x - b.x);
  return chart('Latency against energy of every combination', (width) => ({
    width,
    height: 320,
    padding: 4,
    data: [
      { name: 'points', values: points },
      { name: 'front', values: front },
      { name: 'names', values: names(points, new Set(points.map((p) => p.scheme)).size > 1) },
    ],
    scales: [
      { name: 'x', type: 'log', domain: room(points.map((p) => p.x)), range: 'width' },
      { name: 'y', type: 'log', domain: room(points.map((p) => p.y)), range: 'height' },
      { name: 'chip', type: 'ordinal', domain: chipsOf(comparison), range: CHIP_COLOURS },
    ],
    axes: [
      {
        orient: 'bottom',
        scale: 'x',
        title: 'latency of a run, ms',
        grid: true,
        tickCount: 5,
        format: '~g',
        labelOverlap: true,
      },
      { orient: 'left', scale: 'y', title, grid: true, tickCount: 5, format: '~s', labelOverlap: true },
    ],
    marks: [frontLine, combination, combinationName],
  }));
}

/** Schemes, or chips where there is one scheme; combinations of a chip that lie on one another share a name. */
function names(points: ReturnType<typeof paretoPoints>['points'], bySchemes: boolean) {
  const near = (a: number, b: number) => Math.abs(Math.log(a / b)) < 0.06;
  const groups: { x: number; y: number; chip: string; scheme: string }[] = [];
  for (const { x, y, chip, id, scheme } of points) {
    const group = groups.find((g) => g.chip === chip && near(g.x, x) && near(g.y, y));
    if (group) group.scheme += `, ${scheme}`;
    else groups.push({ x, y, chip, scheme: bySchemes ? scheme : id });
  }
  return groups;
}

/** A logarithmic domain with space for labels around the values. */
export const room = (values: number[]): [number, number] => [
  Math.min(...values) / 1.8,
  Math.max(...values) * 1.8,
];

type Mark = NonNullable<Spec['marks']>[number];
const place = { x: { scale: 'x', field: 'x' }, y: { scale: 'y', field: 'y' } };

export const frontLine: Mark = {
  type: 'line',
  from: { data: 'front' },
  aria: false,
  encode: { update: { ...place, stroke: { value: 'var(--soft)' }, strokeDash: { value: [4, 3] } } },
};

export const combination: Mark = {
  type: 'symbol',
  name: 'combination',
  from: { data: 'points' },
  encode: {
    update: {
      ...place,
      size: { value: 130 },
      fill: { scale: 'chip', field: 'chip' },
      stroke: { signal: "datum.front ? 'var(--ink)' : 'var(--panel)'" },
      strokeWidth: { value: 1.5 },
      description: { field: 'text' },
    },
  },
};

const combinationName: Mark = {
  type: 'text',
  from: { data: 'names' },
  aria: false,
  encode: {
    update: {
      ...place,
      dy: { value: -12 },
      align: { value: 'center' },
      text: { field: 'scheme' },
      fontSize: { value: 10.5 },
      fill: { value: 'var(--soft)' },
    },
  },
};
