import { basename } from 'node:path';
import { type Spec, svgFile } from '../html/chart.js';
import type { FormatSurvey, Survey } from './types.js';

const WIDTH = 900;
const PLOT = 420;
const BARS = 110;
/** Formats of 16 bits lie far to the right and would press the others together. */
const MOST_BITS = 9.5;

/** Families, for the colours: what a value's bits stand for. */
const FAMILIES: readonly [name: string, ids: RegExp, colour: string][] = [
  ['integers', /^u?int/, 'var(--compute)'],
  ['floats', /^(fp|bf|tf)/, 'var(--memory)'],
  ['block formats', /^(mx|nv)/, 'var(--good)'],
  ['powers of two', /^(log|pot)/, 'var(--overhead)'],
  ['tables', /^(lut|nf)/, 'var(--bad)'],
];

const familyOf = (id: string): string => FAMILIES.find(([, ids]) => ids.test(id))?.[0] ?? '';

/** The formats that no other one beats in both bits and SQNR: fewer bits cost less, more decibels keep more. */
export function frontier(formats: readonly FormatSurvey[]): FormatSurvey[] {
  const db = ({ sqnrDb }: FormatSurvey) => sqnrDb ?? Number.POSITIVE_INFINITY;
  const sorted = [...formats].sort((a, b) => a.bits - b.bits || db(b) - db(a));
  return sorted.filter((f, i) => sorted.slice(0, i).every((before) => db(before) < db(f)));
}

/** Bits against SQNR of every format, and how the weights lie: an SVG file that stands alone. */
export function surveySvg(survey: Survey): Promise<string> {
  return svgFile(`Formats for the weights of ${basename(survey.file)}`, specification(survey));
}

interface Point {
  id: string;
  bits: number;
  sqnrDb: number;
  family: string;
  /** Pixels from the upper left corner of the plot. */
  x: number;
  y: number;
  label: string;
  /** 1: right of the point, −1: left. */
  side: number;
}

/** Room that a label takes, in pixels. */
const LABEL = { height: 9, letter: 5.5, gap: 6 };

/** The formats as points; as many have a label as fit beside each other, those of the frontier first. */
function pointsOf(formats: readonly FormatSurvey[]): { points: Point[]; highest: number } {
  const shown = formats.filter((f) => f.bits <= MOST_BITS && f.sqnrDb !== null);
  const highest = 10 * Math.ceil(Math.max(10, ...shown.map((f) => f.sqnrDb!)) / 10);
  const points = shown.map(({ id, bits, sqnrDb }) => ({
    ...{ id, bits, sqnrDb: sqnrDb!, family: familyOf(id), label: '', side: 1 },
    x: (bits / MOST_BITS) * WIDTH,
    y: PLOT - (sqnrDb! / highest) * PLOT,
  }));
  const best = new Set(frontier(formats).map((f) => f.id));
  const taken: Box[] = points.map(({ x, y }) => box(x, x, y));
  for (const point of points.toSorted((a, b) => Number(best.has(b.id)) - Number(best.has(a.id)))) {
    const length = point.id.length * LABEL.letter;
    const side = SIDES.find((s) => !taken.some((other) => overlap(labelBox(point, s, length), other)));
    if (side === undefined) continue;
    taken.push(labelBox(point, side, length));
    Object.assign(point, { label: point.id, side });
  }
  return { points, highest };
}

/** Right of the point, or left of it. */
const SIDES = [1, -1] as const;

/** Left, right and middle. */
type Box = [left: number, right: number, y: number];
const box = (left: number, right: number, y: number): Box => [left, right, y];
const labelBox = ({ x, y }: Point, side: number, length: number): Box =>
  side > 0 ? box(x + LABEL.gap, x + LABEL.gap + length, y) : box(x - LABEL.gap - length, x - LABEL.gap, y);
const overlap = (a: Box, b: Box): boolean =>
  a[0] < b[1] && b[0] < a[1] && Math.abs(a[2] - b[2]) < LABEL.height;

function specification({ formats = [], distribution, file }: Survey): Spec {
  const { points, highest } = pointsOf(formats);
  const best = new Set(frontier(formats).map((f) => f.id));
  const bins = distribution.map((share, i) => ({ x: (2 * i) / distribution.length - 1, share }));
  return {
    width: WIDTH,
    padding: 10,
    layout: { columns: 1, padding: 44 },
    title: { text: `What each format gives for the weights of ${basename(file)}` },
    data: [
      { name: 'formats', values: points },
      { name: 'frontier', values: points.filter((p) => best.has(p.id)).sort((a, b) => a.bits - b.bits) },
      { name: 'bins', values: bins },
    ],
    scales: [
      {
        name: 'family',
        type: 'ordinal',
        domain: FAMILIES.map(([name]) => name),
        range: FAMILIES.map(([, , colour]) => colour),
      },
    ],
    marks: [...(points.length > 0 ? [scatter(highest)] : []), histogram(bins.length)],
  };
}

const size = (height: number) => ({ update: { width: { value: WIDTH }, height: { value: height } } });

/** Rate against distortion. The line joins the formats that no other beats in both. */
const scatter = (highest: number): NonNullable<Spec['marks']>[number] => ({
  type: 'group',
  encode: size(PLOT),
  scales: [
    { name: 'x', domain: [0, MOST_BITS], range: [0, WIDTH] },
    { name: 'y', domain: [0, highest], range: [PLOT, 0] },
  ],
  axes: [
    { orient: 'bottom', scale: 'x', title: 'bits a value, scales counted', grid: true },
    { orient: 'left', scale: 'y', title: 'signal to quantization noise, dB', grid: true },
  ],
  legends: [{ fill: 'family', orient: 'top-left', symbolType: 'circle' }],
  marks: [
    {
      type: 'line',
      from: { data: 'frontier' },
      encode: {
        update: {
          x: { scale: 'x', field: 'bits' },
          y: { scale: 'y', field: 'sqnrDb' },
          stroke: { value: 'var(--ghost)' },
          strokeWidth: { value: 1.5 },
        },
      },
    },
    {
      type: 'symbol',
      from: { data: 'formats' },
      encode: {
        update: {
          x: { scale: 'x', field: 'bits' },
          y: { scale: 'y', field: 'sqnrDb' },
          size: { value: 42 },
          fill: { scale: 'family', field: 'family' },
          fillOpacity: { value: 0.85 },
        },
      },
    },
    {
      type: 'text',
      from: { data: 'formats' },
      encode: {
        update: {
          x: { scale: 'x', field: 'bits', offset: { signal: `${LABEL.gap} * datum.side` } },
          align: { signal: "datum.side > 0 ? 'left' : 'right'" },
          y: { scale: 'y', field: 'sqnrDb' },
          text: { field: 'label' },
          baseline: { value: 'middle' },
          fontSize: { value: 10 },
        },
      },
    },
  ],
});

/** Weights over the largest magnitude of their channel. */
const histogram = (bins: number): NonNullable<Spec['marks']>[number] => ({
  type: 'group',
  encode: size(BARS),
  scales: [
    { name: 'x', domain: [-1, 1], range: [0, WIDTH] },
    { name: 'y', type: 'sqrt', domain: { data: 'bins', field: 'share' }, range: [BARS, 0], zero: true },
  ],
  axes: [
    { orient: 'bottom', scale: 'x', title: 'weights, relative to the largest of their output channel' },
    { orient: 'left', scale: 'y', title: 'share', format: '.1%', tickCount: 3, grid: true },
  ],
  marks: [
    {
      type: 'rect',
      from: { data: 'bins' },
      encode: {
        update: {
          x: { scale: 'x', field: 'x' },
          width: { value: WIDTH / bins - 1 },
          y: { scale: 'y', field: 'share' },
          y2: { scale: 'y', value: 0 },
          fill: { value: 'var(--compute)' },
        },
      },
    },
  ],
});
