import { basename } from 'node:path';
import type { Sensitivity } from '../../sensitivity/types.js';
import { type Spec, svgFile } from '../html/chart.js';
import { decibel } from '../units.js';

const WIDTH = 900;
const DEPTH = 220;
const ROW = 16;
/** Layers in the picture; the table has all. */
const SHOWN = 40;

const COLOURS = ['bad', 'memory', 'compute', 'good', 'overhead', 'warn'].map((c) => `var(--${c})`);

/** Error through depth, and below it what the costliest layers cost in each format: an SVG file that stands alone. */
export const sensitivitySvg = (found: Sensitivity): Promise<string> =>
  svgFile(`Sensitivity of ${basename(found.model.name)}`, specification(found));

export const depthPoints = ({ propagation }: Pick<Sensitivity, 'propagation'>) =>
  propagation.flatMap(({ tensor, sqnrDb }, index) =>
    sqnrDb === null ? [] : [{ index, sqnrDb: Math.max(0, sqnrDb), text: `${tensor}\n${decibel(sqnrDb)}` }],
  );

/** The costliest layers in the scheme's own format, one point a format. Formats that change nothing are not shown. */
export function damagePoints({ layers, own }: Pick<Sensitivity, 'layers' | 'own'>) {
  const cost = (l: Sensitivity['layers'][number]) =>
    l.candidates.find((c) => c.candidate === own)?.global.noise ?? 0;
  return layers
    .toSorted((a, b) => cost(b) - cost(a))
    .slice(0, SHOWN)
    .flatMap(({ node, candidates }) =>
      candidates.flatMap(({ candidate, global: { sqnrDb } }) =>
        sqnrDb === null
          ? []
          : [{ node, candidate, sqnrDb, text: `${node}, ${candidate}\n${decibel(sqnrDb)}` }],
      ),
    );
}

function specification(found: Sensitivity): Spec {
  const damage = damagePoints(found);
  const nodes = [...new Set(damage.map((d) => d.node))];
  return {
    width: WIDTH,
    padding: 10,
    layout: { columns: 1, padding: 44 },
    title: { text: `${basename(found.model.name)} in ${found.scheme} for ${found.target}` },
    data: [
      { name: 'depth', values: depthPoints(found) },
      { name: 'damage', values: damage },
    ],
    scales: [{ name: 'format', type: 'ordinal', domain: found.candidates, range: COLOURS }],
    marks: [depth(found.propagation.length), layers(nodes)],
  };
}

type Mark = NonNullable<Spec['marks']>[number];
const size = (height: number) => ({ update: { width: { value: WIDTH }, height: { value: height } } });

const depth = (count: number): Mark => ({
  type: 'group',
  encode: size(DEPTH),
  scales: [
    { name: 'x', domain: [0, Math.max(1, count - 1)], range: [0, WIDTH] },
    { name: 'y', domain: { data: 'depth', field: 'sqnrDb' }, range: [DEPTH, 0], zero: true, nice: true },
  ],
  axes: [
    { orient: 'bottom', scale: 'x', title: 'value, in the order of the graph' },
    { orient: 'left', scale: 'y', title: 'accumulated signal to noise, dB', grid: true },
  ],
  marks: [
    {
      type: 'line',
      from: { data: 'depth' },
      encode: {
        update: {
          x: { scale: 'x', field: 'index' },
          y: { scale: 'y', field: 'sqnrDb' },
          stroke: { value: 'var(--compute)' },
          strokeWidth: { value: 1.5 },
        },
      },
    },
  ],
});

const layers = (nodes: readonly string[]): Mark => ({
  type: 'group',
  encode: size(ROW * nodes.length),
  scales: [
    { name: 'x', domain: { data: 'damage', field: 'sqnrDb' }, range: [0, WIDTH], zero: false, nice: true },
    { name: 'y', type: 'point', domain: [...nodes], range: [0, ROW * nodes.length], padding: 0.5 },
  ],
  axes: [
    {
      orient: 'bottom',
      scale: 'x',
      title: 'signal to noise at the outputs with this alone rounded, dB',
      grid: true,
    },
    { orient: 'left', scale: 'y', grid: true, labelLimit: 160, labelFontSize: 9 },
  ],
  legends: [{ fill: 'format', orient: 'right', symbolType: 'circle' }],
  marks: [
    {
      type: 'symbol',
      from: { data: 'damage' },
      encode: {
        update: {
          x: { scale: 'x', field: 'sqnrDb' },
          y: { scale: 'y', field: 'node' },
          size: { value: 48 },
          fill: { scale: 'format', field: 'candidate' },
          description: { field: 'text' },
        },
      },
    },
  ],
});
