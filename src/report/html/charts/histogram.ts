import type { Distribution } from '../../distributions.js';
import { digits } from '../../units.js';
import { type Spec, smallChart } from '../chart.js';
import type { Markup } from '../markup.js';

const WIDTH = 232;
const HEIGHT = 92;

/** Values of a tensor on a scale that shows tails too, and where its grid ends. */
export function histogramChart({ from, to, counts, clip, tensor }: Distribution): Promise<Markup> {
  const step = (to - from) / counts.length;
  const bins = counts.map((count, i) => ({
    x: from + i * step,
    x2: from + (i + 1) * step,
    count,
    outside: clip !== undefined && (from + (i + 1) * step <= clip[0] || from + i * step >= clip[1]),
    text: `${tensor}\n${digits(from + i * step)} … ${digits(from + (i + 1) * step)}: ${count} values`,
  }));
  const lines = (clip ?? []).map((x) => ({ x }));
  const low = Math.min(from, ...(clip ?? []));
  const high = Math.max(to, ...(clip ?? []));
  return smallChart(specification(bins, lines, [low, high], Math.max(...counts)));
}

const specification = (bins: object[], lines: object[], domain: [number, number], highest: number): Spec => ({
  width: WIDTH,
  height: HEIGHT,
  padding: 2,
  data: [
    { name: 'bins', values: bins },
    { name: 'clip', values: lines },
  ],
  scales: [
    { name: 'x', domain, range: 'width', zero: false },
    { name: 'y', type: 'symlog', domain: [0, highest], range: 'height' },
  ],
  axes: [{ orient: 'bottom', scale: 'x', tickCount: 4, format: '~g', labelFontSize: 10, labelOverlap: true }],
  marks: [
    {
      type: 'rect',
      name: 'bin',
      from: { data: 'bins' },
      encode: {
        update: {
          x: { scale: 'x', field: 'x' },
          x2: { scale: 'x', field: 'x2' },
          y: { scale: 'y', field: 'count' },
          y2: { scale: 'y', value: 0 },
          fill: { signal: "datum.outside ? 'var(--bad)' : 'var(--compute)'" },
          description: { field: 'text' },
        },
      },
    },
    {
      type: 'rule',
      name: 'clip-line',
      from: { data: 'clip' },
      aria: false,
      encode: {
        update: {
          x: { scale: 'x', field: 'x' },
          y: { value: 0 },
          y2: { signal: 'height' },
          stroke: { value: 'var(--bad)' },
          strokeDash: { value: [3, 2] },
        },
      },
    },
  ],
});
