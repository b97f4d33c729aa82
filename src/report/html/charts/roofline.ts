import type { LayerRow, Report } from '../../types.js';
import { countText, digits } from '../../units.js';
import { chart, type Spec } from '../chart.js';
import type { Markup } from '../markup.js';
import { boundColour } from './scales.js';

type Roofline = NonNullable<Report['roofline']>;

interface Point {
  x: number;
  y: number;
  us: number;
  bound: string;
  text: string;
}

/** Kernels that compute something: operations a byte of main memory against operations a second. */
export function rooflinePoints(layers: readonly LayerRow[]): Point[] {
  return layers.flatMap((row) => {
    const { operations = 0, bytes = 0, timeUs, bound = 'overhead' } = row;
    if (!(operations > 0 && timeUs && timeUs.value > 0)) return [];
    const rate = operations / (timeUs.value * 1e-6);
    const intensity = operations / Math.max(1, bytes);
    const text = `${row.node}\n${row.opType} in ${row.computes}, ${bound}\n${countText(rate)}op/s, ${digits(intensity)} op/byte, ${digits(timeUs.value)} µs`;
    return [{ x: intensity, y: rate, us: timeUs.value, bound, text }];
  });
}

/** A roof from the slope of memory to the flat of arithmetic, over the plot's whole width. */
function roofs({ formats, memory }: Roofline, [low, high]: [number, number]) {
  return formats.flatMap(({ format, peak, reached }) =>
    [
      { kind: 'data sheet', rate: peak, bytes: memory.peak },
      { kind: 'reached', rate: reached, bytes: memory.reached },
    ].flatMap(({ kind, rate, bytes }) => {
      const knee = rate / bytes;
      return [low, Math.min(Math.max(knee, low), high), high].map((x) => ({
        roof: `${format} ${kind}`,
        format,
        kind,
        x,
        y: Math.min(rate, x * bytes),
      }));
    }),
  );
}

/** Where the kernels of a run lie under the chip's roofs; undefined when no time is modelled. */
export async function rooflineChart(report: Report): Promise<Markup | undefined> {
  const points = rooflinePoints(report.layers);
  const { roofline } = report;
  if (!roofline || points.length === 0) return undefined;
  const knees = roofline.formats.map((f) => f.peak / roofline.memory.reached);
  const xs = [...points.map((p) => p.x), ...knees];
  const span: [number, number] = [
    10 ** Math.floor(Math.log10(Math.min(...xs))),
    10 ** Math.ceil(Math.log10(Math.max(...xs) * 2)),
  ];
  const lines = roofs(roofline, span);
  const label = `Roofline of ${report.target.name}: ${points.length} kernels`;
  return chart(label, (width) => specification(width, points, lines, span));
}

/** Whole powers of ten within a domain. */
const powersIn = ([low, high]: [number, number]): number[] => {
  const first = Math.ceil(Math.log10(low) - 1e-9);
  const count = Math.floor(Math.log10(high) + 1e-9) - first + 1;
  return Array.from({ length: count }, (_, i) => 10 ** (first + i));
};

const logAxis = (title: string, orient: 'bottom' | 'left', scale: string, powers: number[]) => ({
  orient,
  scale,
  title,
  grid: true,
  format: '~s',
  values: powers,
  labelOverlap: true as const,
});

function specification(
  width: number,
  points: Point[],
  lines: ReturnType<typeof roofs>,
  span: [number, number],
): Spec {
  const ys = [...points.map((p) => p.y), ...lines.map((l) => l.y)];
  const rates: [number, number] = [Math.min(...ys) / 2, Math.max(...ys) * 2];
  const ends = lines.filter((l) => l.x === span[1] && l.kind === 'reached');
  return {
    width,
    height: width > 600 ? 420 : 340,
    padding: 4,
    data: [
      { name: 'kernels', values: points },
      { name: 'roofs', values: lines },
      { name: 'ends', values: ends },
    ],
    scales: [
      { name: 'x', type: 'log', domain: span, range: 'width' },
      { name: 'y', type: 'log', domain: rates, range: 'height' },
      { name: 'size', type: 'sqrt', domain: [0, Math.max(...points.map((p) => p.us))], range: [18, 420] },
      boundColour as never,
    ],
    axes: [
      logAxis('operations a byte of main memory', 'bottom', 'x', powersIn(span)),
      logAxis('operations a second', 'left', 'y', powersIn(rates)),
    ],
    marks: [roofLines, roofNames, kernels],
  };
}

const roofLines: NonNullable<Spec['marks']>[number] = {
  type: 'group',
  from: { facet: { name: 'roof', data: 'roofs', groupby: ['roof', 'kind'] } },
  marks: [
    {
      type: 'line',
      name: 'roof-line',
      from: { data: 'roof' },
      aria: false,
      encode: {
        update: {
          x: { scale: 'x', field: 'x' },
          y: { scale: 'y', field: 'y' },
          stroke: { value: 'var(--soft)' },
          strokeWidth: { value: 1.5 },
          strokeDash: { signal: "datum.kind === 'reached' ? [] : [5, 4]" },
        },
      },
    },
  ],
};

const roofNames: NonNullable<Spec['marks']>[number] = {
  type: 'text',
  from: { data: 'ends' },
  aria: false,
  encode: {
    update: {
      x: { scale: 'x', field: 'x', offset: -4 },
      y: { scale: 'y', field: 'y', offset: 11 },
      align: { value: 'right' },
      text: { field: 'format' },
      fontSize: { value: 10.5 },
      fill: { value: 'var(--soft)' },
    },
  },
};

const kernels: NonNullable<Spec['marks']>[number] = {
  type: 'symbol',
  name: 'kernel',
  from: { data: 'kernels' },
  encode: {
    update: {
      x: { scale: 'x', field: 'x' },
      y: { scale: 'y', field: 'y' },
      size: { scale: 'size', field: 'us' },
      fill: { scale: 'bound', field: 'bound' },
      fillOpacity: { value: 0.72 },
      stroke: { value: 'var(--panel)' },
      strokeWidth: { value: 1 },
      description: { field: 'text' },
    },
  },
};
