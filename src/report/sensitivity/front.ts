import type { Front, FrontPoint } from '../../sensitivity/types.js';
import { type Spec, svgFile } from '../html/chart.js';
import { decibel, digits } from '../units.js';

/** Cost against signal to noise: predicted and measured, and one format throughout. An SVG file that stands alone. */
export const frontSvg = (front: Front): Promise<string> =>
  svgFile(`What a budget of ${front.of} buys`, {
    padding: 10,
    background: '#ffffff',
    ...frontSpec(front, 900),
  });

const KINDS = ['mixed, measured', 'mixed, predicted', 'one format, measured'];

const pointText = (p: FrontPoint, unit: string): string =>
  `${p.name || 'mixed'}: ${digits(p.cost)} ${unit}\npredicted ${decibel(p.predictedDb)}, measured ${decibel(p.verifiedDb)}`;

/** For files and pages. */
export function frontSpec({ points, of, unit }: Front, width: number): Spec {
  const rows = points.flatMap((p) => {
    const at = { cost: p.cost, name: p.name, chosen: p.chosen, text: pointText(p, unit) };
    const measured = { ...at, db: p.verifiedDb, kind: p.kind === 'mixed' ? KINDS[0] : KINDS[2] };
    return [measured, ...(p.kind === 'mixed' ? [{ ...at, db: p.predictedDb, kind: KINDS[1] }] : [])];
  });
  const shown = rows.filter((r) => r.db !== null);
  const place = { x: { scale: 'x', field: 'cost' }, y: { scale: 'y', field: 'db' } };
  return {
    width,
    height: 360,
    data: [
      { name: 'points', values: shown },
      { name: 'front', values: shown.filter((r) => r.kind === KINDS[0]) },
      { name: 'names', values: shown.filter((r) => r.kind === KINDS[2]) },
    ],
    scales: [
      { name: 'x', type: 'log', domain: { data: 'points', field: 'cost' }, range: 'width', nice: true },
      { name: 'y', domain: { data: 'points', field: 'db' }, range: 'height', nice: true, zero: false },
      {
        name: 'kind',
        type: 'ordinal',
        domain: KINDS,
        range: ['var(--compute)', 'var(--ghost)', 'var(--bad)'],
      },
    ],
    axes: [
      {
        orient: 'bottom',
        scale: 'x',
        title: `${of}, ${unit}`,
        grid: true,
        format: '~s',
        tickCount: 6,
        labelOverlap: true,
      },
      { orient: 'left', scale: 'y', title: 'signal to noise of the worst output, dB', grid: true },
    ],
    legends: [{ fill: 'kind', orient: 'bottom-right', symbolType: 'circle' }],
    marks: [
      {
        type: 'line',
        from: { data: 'front' },
        aria: false,
        encode: { update: { ...place, stroke: { value: 'var(--compute)' }, strokeWidth: { value: 1.5 } } },
      },
      {
        type: 'symbol',
        name: 'point',
        from: { data: 'points' },
        encode: {
          update: {
            ...place,
            size: { signal: 'datum.chosen ? 170 : 60' },
            fill: { scale: 'kind', field: 'kind' },
            description: { field: 'text' },
          },
        },
      },
      {
        type: 'text',
        from: { data: 'names' },
        aria: false,
        encode: {
          update: {
            ...place,
            dy: { value: 16 },
            align: { value: 'center' },
            text: { field: 'name' },
            fontSize: { value: 10 },
          },
        },
      },
    ],
  };
}
