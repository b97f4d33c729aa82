import type { Training, Worth } from './types.js';
import { decibel, percent } from './units.js';

/** What a training did, in a sentence or two. */
export function trainingFacts({
  steps,
  batch,
  samples,
  judges,
  taught,
  best,
  history,
  seconds,
}: Training): string {
  const teacher = {
    labels: 'by labels',
    'float model': 'by the float model',
    both: 'by labels and the float model',
  };
  const rate = (steps / Math.max(seconds, 1e-3)).toPrecision(2);
  return (
    `${steps} steps of ${batch} of ${samples} samples, taught ${teacher[taught]}, in ${Math.round(seconds)} s ` +
    `(${rate} steps/s); of ${history.length} epochs ${best < 0 ? 'none beat the start' : `number ${best + 1} did best`} on ${judges} samples`
  );
}

/** The quantized model before and after training, on the samples of the comparison. */
export function trainingRows({ before, after }: Training): { head: string[]; rows: string[][] } {
  const row = (name: string, { sqnrDb, accuracy, agreement }: Worth) => [
    name,
    accuracy === undefined ? '–' : percent(accuracy),
    agreement === undefined ? '–' : percent(agreement),
    decibel(sqnrDb),
  ];
  return {
    head: ['', 'top-1', 'same top-1', 'SQNR'],
    rows: [row('before', before), row('trained', after)],
  };
}

const BARS = '▁▂▃▄▅▆▇█';
/** Columns of the curve; each shows the mean of as many epochs as it takes. */
const COLUMNS = 48;

/** The loss on the judges from epoch to epoch in one line; undefined for fewer than two epochs. */
export function lossLine({ history }: Training): string | undefined {
  if (history.length < 2) return undefined;
  const columns = Math.min(COLUMNS, history.length);
  const at = (column: number) => Math.round((column * history.length) / columns);
  const means = Array.from({ length: columns }, (_, c) => {
    const part = history.slice(at(c), at(c + 1));
    return part.reduce((sum, { loss }) => sum + loss, 0) / part.length;
  });
  const [least, most] = [Math.min(...means), Math.max(...means)];
  const bars = means.map((m) => BARS[Math.round(((m - least) / (most - least || 1)) * (BARS.length - 1))]);
  return `loss ${history[0].loss.toPrecision(3)} ${bars.join('')} ${history.at(-1)!.loss.toPrecision(3)}`;
}
