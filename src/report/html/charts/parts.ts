import type { Report, SpeedAndPower } from '../../types.js';
import { digits } from '../../units.js';
import { chart } from '../chart.js';
import type { Markup } from '../markup.js';

type Parts = NonNullable<SpeedAndPower['energyParts']>;

/** Parts of the energy in the order of the bar, with their colours. */
export const ENERGY_PARTS: readonly { id: keyof Parts; label: string; colour: string }[] = [
  { id: 'compute', label: 'arithmetic', colour: 'var(--compute)' },
  { id: 'onChip', label: 'memory on the chip', colour: 'var(--good)' },
  { id: 'memory', label: 'main memory', colour: 'var(--memory)' },
  { id: 'static', label: 'idle power while it runs', colour: 'var(--overhead)' },
  { id: 'call', label: 'fixed for a call', colour: 'var(--ghost)' },
];

const rowsOf = (model: string, parts: Parts) => {
  let from = 0;
  return ENERGY_PARTS.map(({ id, label, colour }) => {
    const start = from;
    from += parts[id];
    return { model, start, end: from, colour, text: `${model}, ${label}\n${digits(parts[id])} mJ` };
  });
};

/** Where the energy of a run goes, before and after. */
export async function energyChart({ float, quantized }: Report): Promise<Markup | undefined> {
  if (!float.energyParts || !quantized.energyParts) return undefined;
  const rows = [...rowsOf('float', float.energyParts), ...rowsOf('quantized', quantized.energyParts)];
  return chart('Energy of a run by part', (width) => ({
    width,
    height: 120,
    padding: 4,
    data: [{ name: 'parts', values: rows }],
    scales: [
      { name: 'x', domain: { data: 'parts', field: 'end' }, range: 'width', nice: true },
      { name: 'y', type: 'band', domain: ['float', 'quantized'], range: 'height', padding: 0.25 },
    ],
    axes: [
      { orient: 'bottom', scale: 'x', title: 'mJ a run', grid: true, tickCount: width > 600 ? 8 : 4 },
      { orient: 'left', scale: 'y', domain: false, ticks: false },
    ],
    marks: [
      {
        type: 'rect',
        name: 'part',
        from: { data: 'parts' },
        encode: {
          update: {
            x: { scale: 'x', field: 'start' },
            x2: { scale: 'x', field: 'end' },
            y: { scale: 'y', field: 'model' },
            height: { scale: 'y', band: 1 },
            fill: { field: 'colour' },
            description: { field: 'text' },
          },
        },
      },
    ],
  }));
}
