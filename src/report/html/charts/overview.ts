import { digits } from '../../units.js';
import { chart } from '../chart.js';
import type { Markup } from '../markup.js';
import { type OverviewJob, speedUp, worstSqnr } from '../overview.js';
import { CHIP_COLOURS, combination, frontLine, room } from './pareto.js';

interface Point {
  x: number;
  y: number;
  chip: string;
  text: string;
  front: boolean;
}

/** Jobs that were measured, and which of them nothing beats in both speed-up and SQNR. */
export function overviewPoints(jobs: readonly OverviewJob[]): Point[] {
  const points = jobs.flatMap(({ id, report }) => {
    const y = report && worstSqnr(report);
    if (!report || y === undefined || !Number.isFinite(y)) return [];
    const x = speedUp(report);
    const text = `${id}\n${digits(x)}× over float, ${y.toFixed(1)} dB`;
    return [{ x, y, chip: report.target.name, text }];
  });
  const beaten = (a: { x: number; y: number }) =>
    points.some((b) => b.x >= a.x && b.y >= a.y && (b.x > a.x || b.y > a.y));
  return points.map((point) => ({ ...point, front: !beaten(point) }));
}

export async function overviewChart(
  jobs: readonly OverviewJob[],
  chips: string[],
): Promise<Markup | undefined> {
  const points = overviewPoints(jobs);
  if (points.length < 2) return undefined;
  const front = points.filter((point) => point.front).toSorted((a, b) => a.x - b.x);
  return chart('Speed-up against SQNR of every job', (width) => ({
    width,
    height: 320,
    padding: 4,
    data: [
      { name: 'points', values: points },
      { name: 'front', values: front },
    ],
    scales: [
      { name: 'x', type: 'log', domain: room(points.map(({ x }) => x)), range: 'width' },
      { name: 'y', domain: { data: 'points', field: 'y' }, range: 'height', nice: true, zero: true },
      { name: 'chip', type: 'ordinal', domain: chips, range: CHIP_COLOURS },
    ],
    axes: [
      { orient: 'bottom', scale: 'x', title: 'speed-up over float', grid: true, tickCount: 5, format: '~g' },
      { orient: 'left', scale: 'y', title: 'SQNR of the worst output, dB', grid: true, tickCount: 5 },
    ],
    marks: [frontLine, combination],
  }));
}
