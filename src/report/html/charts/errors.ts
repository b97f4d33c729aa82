import type { LayerMetrics } from '../../../verify/types.js';
import { decibel } from '../../units.js';
import { chart } from '../chart.js';
import type { Markup } from '../markup.js';

/** Tensors that differ at all, with their place among the others. */
export const errorPoints = (errors: readonly LayerMetrics[]) =>
  errors.flatMap(({ tensor, sqnrDb }, index) =>
    sqnrDb === null ? [] : [{ index, sqnrDb, text: `${tensor}\n${decibel(sqnrDb)}` }],
  );

/** Signal-to-noise ratio along the graph: where it falls, quantizing costs something. */
export async function errorChart(errors: readonly LayerMetrics[]): Promise<Markup | undefined> {
  const points = errorPoints(errors);
  if (points.length === 0) return undefined;
  return chart('Signal to noise along the graph', (width) => ({
    width,
    height: 200,
    padding: 4,
    data: [{ name: 'tensors', values: points }],
    scales: [
      { name: 'x', domain: [0, errors.length - 1], range: 'width', zero: false },
      { name: 'y', domain: { data: 'tensors', field: 'sqnrDb' }, range: 'height', nice: true, zero: true },
    ],
    axes: [
      { orient: 'bottom', scale: 'x', title: 'tensor, in the order of the graph', labelOverlap: true },
      { orient: 'left', scale: 'y', title: 'dB', grid: true, tickCount: 5 },
    ],
    marks: [
      {
        type: 'line',
        from: { data: 'tensors' },
        aria: false,
        encode: {
          update: {
            x: { scale: 'x', field: 'index' },
            y: { scale: 'y', field: 'sqnrDb' },
            stroke: { value: 'var(--ghost)' },
            strokeWidth: { value: 1.5 },
          },
        },
      },
      {
        type: 'symbol',
        name: 'tensor',
        from: { data: 'tensors' },
        encode: {
          update: {
            x: { scale: 'x', field: 'index' },
            y: { scale: 'y', field: 'sqnrDb' },
            size: { value: 34 },
            fill: { value: 'var(--compute)' },
            description: { field: 'text' },
          },
        },
      },
    ],
  }));
}
