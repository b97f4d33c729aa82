import type { LayerRow, Report } from '../../types.js';
import { byteText, digits } from '../../units.js';
import { chart, type Spec } from '../chart.js';
import type { Markup } from '../markup.js';
import { boundColour } from './scales.js';

type Mark = NonNullable<Spec['marks']>[number];

/** One panel of bars over the schedule: a value of each kernel, and the float model's behind it where there is one. */
interface Panel {
  id: string;
  title: string;
  value(row: LayerRow): number | undefined;
  before?(row: LayerRow): number | undefined;
  text(value: number): string;
  /** A level drawn as one shape instead of bars, in one colour. */
  level?: true;
}

const PANELS: readonly Panel[] = [
  {
    id: 'time',
    title: 'time, µs',
    value: (row) => row.timeUs?.value,
    before: (row) => row.floatTimeUs?.value,
    text: (v) => `${digits(v)} µs`,
  },
  { id: 'energy', title: 'energy, µJ', value: (row) => row.energyUj?.value, text: (v) => `${digits(v)} µJ` },
  { id: 'bytes', title: 'main memory, bytes', value: (row) => row.bytes, text: byteText },
  {
    id: 'live',
    title: 'activations alive, bytes',
    value: (row) => row.liveBytes,
    text: byteText,
    level: true,
  },
];

const PANEL_HEIGHT = 96;
const GAP = 34;
const PADDING = { left: 44, right: 4, top: 22, bottom: 38 };

/** What is drawn: panels that have data, and one row a kernel for each. */
export function scheduleData(layers: readonly LayerRow[]) {
  return PANELS.filter((panel) => layers.some((row) => (panel.value(row) ?? 0) > 0)).map((panel) => ({
    panel,
    rows: layers.map((row, index) => ({
      index,
      value: panel.value(row) ?? 0,
      before: panel.before?.(row) ?? 0,
      bound: row.bound ?? 'overhead',
      text: `${row.node}\n${row.opType} in ${row.computes}\n${panel.text(panel.value(row) ?? 0)}`,
    })),
  }));
}

/** Time, energy, bytes and live memory, kernel by kernel in the order in which they run. */
export async function scheduleChart({ layers, target }: Report): Promise<Markup | undefined> {
  const panels = scheduleData(layers);
  if (panels.length === 0) return undefined;
  return chart(`The run on ${target.name}, kernel by kernel`, (width) => ({
    width: width - PADDING.left - PADDING.right,
    height: panels.length * (PANEL_HEIGHT + GAP) - GAP,
    // Nested axes count in no automatic layout.
    autosize: 'none',
    padding: PADDING,
    data: panels.map(({ panel, rows }) => ({ name: panel.id, values: rows })),
    scales: [
      {
        name: 'x',
        type: 'band',
        domain: layers.map((_, i) => i),
        range: 'width',
        paddingInner: layers.length > 200 ? 0 : 0.18,
      },
      boundColour as never,
    ],
    axes: [indexAxis(layers.length)],
    marks: panels.map(panelMark),
  }));
}

function panelMark({ panel, rows }: ReturnType<typeof scheduleData>[number], position: number): Mark {
  const top = Math.max(...rows.map((row) => Math.max(row.value, row.before)));
  return {
    type: 'group',
    encode: {
      update: {
        y: { value: position * (PANEL_HEIGHT + GAP) },
        width: { signal: 'width' },
        height: { value: PANEL_HEIGHT },
      },
    },
    title: {
      text: panel.title,
      fontSize: 11,
      fontWeight: 'normal',
      color: 'var(--soft)',
      offset: 6,
      frame: 'group',
    },
    scales: [{ name: 'y', domain: [0, top], nice: true, range: [PANEL_HEIGHT, 0] }],
    axes: [
      { orient: 'left', scale: 'y', grid: true, tickCount: 3, format: '~s', domain: false, ticks: false },
    ],
    marks: panel.level
      ? [bars(panel, 'var(--ghost)', 1)]
      : [...(panel.before ? [ghost(panel)] : []), bars(panel)],
  };
}

const indexAxis = (kernels: number) => {
  const step = 10 ** Math.max(0, Math.floor(Math.log10(kernels / 4)));
  const values = Array.from({ length: Math.ceil(kernels / step) }, (_, i) => i * step);
  return {
    orient: 'bottom' as const,
    scale: 'x',
    title: 'kernel, in the order of the run',
    values,
    labelOverlap: true as const,
  };
};

const bars = (panel: Panel, fill?: string, width = 0): Mark => ({
  type: 'rect',
  name: panel.id,
  from: { data: panel.id },
  encode: {
    update: {
      x: { scale: 'x', field: 'index' },
      width: { scale: 'x', band: 1, offset: width },
      y: { scale: 'y', field: 'value' },
      y2: { scale: 'y', value: 0 },
      fill: fill ? { value: fill } : { scale: 'bound', field: 'bound' },
      description: { field: 'text' },
    },
  },
});

/** The same kernel in the float model, behind. */
const ghost = (panel: Panel): Mark => ({
  type: 'rect',
  name: `${panel.id}-before`,
  from: { data: panel.id },
  aria: false,
  encode: {
    update: {
      x: { scale: 'x', field: 'index' },
      width: { scale: 'x', band: 1 },
      y: { scale: 'y', field: 'before' },
      y2: { scale: 'y', value: 0 },
      fill: { value: 'var(--ghost)' },
    },
  },
});
