import type { Stats } from '../../calibrate/types.js';
import { type Forms, markdownTable } from '../output.js';
import { countText, digits } from './units.js';

const HEAD = ['tensor', 'values', 'min', 'max', 'NaN', 'Inf', 'first bad sample'];

/** Statistics for people and scripts: what was seen of each tensor, without the histograms (those are in the file). */
export function statsForms(stats: Stats, file: string): Forms {
  const tensors = [...stats.tensors].map(([name, t]) => ({
    name,
    count: t.count,
    min: t.min,
    max: t.max,
    nan: t.nan,
    inf: t.inf,
    firstBadSample: t.firstBadSample,
  }));
  const rows = tensors.map((t) => [
    t.name,
    countText(t.count),
    digits(t.min),
    digits(t.max),
    t.nan ? countText(t.nan) : '',
    t.inf ? countText(t.inf) : '',
    t.firstBadSample ?? '',
  ]);
  const title = `${stats.sampleCount} samples (${stats.kind}: ${stats.source}), ${tensors.length} tensors`;
  const { kind, source, sampleCount, modelHash, settingsHash, samples } = stats;
  return {
    json: {
      schema: 'onnx-quantize/statistics-summary@1',
      ...{ file, kind, source, sampleCount, samples, modelHash, settingsHash, tensors },
    },
    markdown: () => `${title}\n\n${markdownTable(HEAD, rows)}`,
    table: (term) => `${term.bold(title)}\n\n${term.table(HEAD, rows, [1, 2, 3, 4, 5])}`,
  };
}
