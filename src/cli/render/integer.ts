import type { Differences, IntegerLayer } from '../../integer/types.js';
import type { Comparison } from '../engine.js';
import type { Section } from './section.js';
import { countText, decibel } from './units.js';

/** The integer path, layer by layer: those that differ first, then the widest accumulators. */
export function integerSections({ integer }: Comparison): Section[] {
  if (!integer) return [];
  const order = (l: IntegerLayer) => [unexplained(l), differing(l), l.accumulator?.bits ?? 0];
  const worst = [...integer.layers].sort((x, y) => {
    const [a, b] = [order(x), order(y)];
    const at = a.findIndex((value, i) => value !== b[i]);
    return at < 0 ? 0 : b[at] - a[at];
  });
  return [
    {
      title: `the integer path against onnxruntime on ${integer.samples} samples: ${integer.layers.length} layers, those that differ first`,
      head: ['layer', 'operator', 'outputs', 'Q/DQ differ', 'QLinear differ', 'accumulator', 'of at most'],
      rows: worst.map((l) => [
        l.node,
        l.opType,
        countText(l.outputs),
        differences(l.qdq),
        differences(l.qlinear),
        l.accumulator ? `${l.accumulator.bits} bits` : '',
        l.accumulator ? `${l.accumulator.boundBits} bits` : '',
      ]),
      numeric: [2, 3, 4, 5, 6],
      brief: 12,
    },
    {
      title: 'outputs of the whole integer path',
      head: ['output', 'SQNR against Q/DQ', 'against QLinear'],
      rows: integer.outputs.map((o) => [o.output, decibel(o.qdqSqnrDb), decibel(o.qlinearSqnrDb)]),
      numeric: [1, 2],
    },
  ];
}

const differing = (l: IntegerLayer): number => l.qdq.differ + l.qlinear.differ;
const unexplained = (l: IntegerLayer): number => l.qdq.unexplained + l.qlinear.unexplained;

const differences = ({ differ, maxSteps }: Differences): string =>
  differ === 0 ? '0' : `${differ} by ${maxSteps > 0 ? maxSteps : '> float32 rounding'}`;

/** Whether every difference is a rounding of float32 at a tie. */
export function integerVerdict({ integer }: Comparison): string {
  if (!integer) return '';
  const sum = (of: (l: IntegerLayer) => number) => integer.layers.reduce((n, l) => n + of(l), 0);
  const outputs = countText(sum((l) => l.outputs));
  const apart = sum(differing);
  const bad = sum(unexplained);
  const widest = Math.max(0, ...integer.layers.map((l) => l.accumulator?.bits ?? 0));
  const floats = Object.entries(integer.float).map(([type, n]) => `${n} ${type}`);
  const found =
    bad > 0
      ? `${bad} of ${apart} differences are more than one step, or not at a tie: another arithmetic than integers’`
      : apart > 0
        ? `${apart} differences, all of one step where the exact value lies at a tie within float32 rounding`
        : 'no difference';
  return [
    `${found}, in ${outputs} outputs of ${integer.layers.length} layers, each fed with onnxruntime’s own codes`,
    `the widest accumulator that the data reached takes ${widest} bits`,
    ...(floats.length > 0 ? [`in float between the layers: ${floats.join(', ')}`] : []),
  ].join('\n');
}
