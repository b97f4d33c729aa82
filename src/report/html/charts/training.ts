import type { Training } from '../../types.js';
import { digits, percent } from '../../units.js';
import { chart } from '../chart.js';
import type { Markup } from '../markup.js';

const pointsOf = (history: Training['history']) =>
  history.flatMap(({ step, trainLoss, loss }) => [
    { step, loss: trainLoss, of: 'training', text: `step ${step}, training\nloss ${digits(trainLoss)}` },
    { step, loss, of: 'judging', text: `step ${step}, judging samples\nloss ${digits(loss)}` },
  ]);

const accuracyOf = (history: Training['history']) =>
  history.flatMap(({ step, accuracy }) =>
    accuracy === undefined ? [] : [{ step, accuracy, text: `step ${step}\n${percent(accuracy)} right` }],
  );

type ColourRef = { value: string } | { scale: string; field: string };

const line = (y: string, field: string, stroke: ColourRef) => ({
  x: { scale: 'x', field: 'step' },
  y: { scale: y, field },
  stroke,
  strokeWidth: { value: 1.5 },
});

/** Loss, and the share of right classes on the samples that judge, along the steps. */
export async function trainingChart({ history }: Training): Promise<Markup | undefined> {
  if (history.length < 2) return undefined;
  const points = pointsOf(history);
  const right = accuracyOf(history);
  const colour = { scale: 'colour', field: 'of' };
  return chart('Loss and accuracy while training', (width) => ({
    width,
    height: 220,
    padding: 4,
    data: [
      { name: 'losses', values: points },
      { name: 'right', values: right },
    ],
    scales: [
      { name: 'x', domain: { data: 'losses', field: 'step' }, range: 'width', zero: true },
      { name: 'y', domain: { data: 'losses', field: 'loss' }, range: 'height', nice: true, zero: true },
      {
        name: 'share',
        domain: { data: 'right', field: 'accuracy' },
        range: 'height',
        nice: true,
        zero: false,
      },
      {
        name: 'colour',
        type: 'ordinal',
        domain: ['training', 'judging'],
        range: ['var(--ghost)', 'var(--memory)'],
      },
    ],
    axes: [
      { orient: 'bottom', scale: 'x', title: 'step', labelOverlap: true },
      { orient: 'left', scale: 'y', title: 'loss', grid: true, tickCount: 5 },
      ...(right.length > 0
        ? [{ orient: 'right' as const, scale: 'share', title: 'right', format: '.1%', tickCount: 5 }]
        : []),
    ],
    legends: [{ stroke: 'colour', title: 'loss', orient: 'top', direction: 'horizontal' }],
    marks: [
      {
        type: 'group',
        from: { facet: { name: 'series', data: 'losses', groupby: 'of' } },
        marks: [
          {
            type: 'line',
            from: { data: 'series' },
            aria: false,
            encode: { update: line('y', 'loss', colour) },
          },
        ],
      },
      {
        type: 'line',
        from: { data: 'right' },
        aria: false,
        encode: { update: line('share', 'accuracy', { value: 'var(--compute)' }) },
      },
      {
        type: 'symbol',
        name: 'epoch',
        from: { data: 'right' },
        encode: {
          update: {
            x: { scale: 'x', field: 'step' },
            y: { scale: 'share', field: 'accuracy' },
            size: { value: 34 },
            fill: { value: 'var(--compute)' },
            description: { field: 'text' },
          },
        },
      },
    ],
  }));
}
