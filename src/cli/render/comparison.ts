import type { Comparison } from '../engine.js';
import { integerSections, integerVerdict } from './integer.js';
import { informationText, metricsMarkdown, metricsSections, renderMetrics } from './metrics.js';
import { markdownSection, paragraphs, renderSection, type Section } from './section.js';
import type { Terminal } from './terminal.js';
import { byteText, changeText, decibel, digits } from './units.js';

export const renderComparison = (comparison: Comparison, term: Terminal, verbose: boolean): string =>
  paragraphs([
    renderSection(files(comparison), term, verbose),
    renderMetrics(comparison.metrics, term),
    renderSection(layers(comparison), term, verbose),
    ...integerSections(comparison).map((section) => renderSection(section, term, verbose)),
    integerVerdict(comparison),
  ]);

export const comparisonMarkdown = (comparison: Comparison): string =>
  paragraphs([
    markdownSection(files(comparison)),
    metricsMarkdown(comparison.metrics),
    ...metricsSections(comparison.metrics).map(markdownSection),
    markdownSection(layers(comparison)),
    ...integerSections(comparison).map(markdownSection),
    integerVerdict(comparison),
  ]);

function files({ a, b, metrics }: Comparison): Section {
  const { latency } = metrics;
  const change = changeText(a.bytes, b.bytes, 'smaller', 'larger');
  return {
    title: `${a.file} against ${b.file}`,
    head: ['', 'a', 'b', 'change'],
    rows: [
      ['size', byteText(a.bytes), byteText(b.bytes), change],
      ...(latency
        ? [
            [
              `time of a sample here (${latency.threads} threads)`,
              `${digits(latency.floatMs)} ms`,
              `${digits(latency.quantizedMs)} ms`,
              changeText(latency.floatMs, latency.quantizedMs, 'faster', 'slower'),
            ],
          ]
        : []),
    ],
    numeric: [1, 2],
  };
}

/** Worst first: that is what one looks for. */
function layers({ layers }: Comparison): Section {
  const worst = [...layers].sort((x, y) => (x.sqnrDb ?? Infinity) - (y.sqnrDb ?? Infinity));
  return {
    title: `values inside that both compute: ${layers.length}, worst first`,
    head: ['tensor', 'SQNR', 'max error', 'information kept', 'KL of values, bits'],
    rows: worst.map((l) => [
      l.tensor,
      decibel(l.sqnrDb),
      digits(l.maxAbsError),
      informationText(l),
      digits(l.divergenceBits),
    ]),
    numeric: [1, 2, 3, 4],
    brief: 10,
  };
}
