import type { PackageReport } from '../engine.js';
import { markdownSection, paragraphs, renderSection, type Section } from './section.js';
import type { Terminal } from './terminal.js';
import { byteText, decibel, percent } from './units.js';

export const renderPackage = (report: PackageReport, term: Terminal, verbose: boolean): string =>
  paragraphs([
    renderSection(facts(report), term, verbose),
    renderSection(files(report), term, verbose),
    renderSection(changes(report), term, verbose),
    renderSection(operations(report), term, verbose),
    renderSection(placement(report), term, verbose),
    report.notVerifiedBy.map((who) => `${term.warn('!')} not verified by ${who}`).join('\n'),
  ]);

export const packageMarkdown = (report: PackageReport): string =>
  paragraphs([
    ...[facts(report), files(report), changes(report), operations(report), placement(report)].map(
      markdownSection,
    ),
    report.notVerifiedBy.map((who) => `- not verified by ${who}`).join('\n'),
  ]);

function facts(report: PackageReport): Section {
  const { roundTrip } = report;
  const agreement = roundTrip.sqnrDb === null ? 'equal bit for bit' : `SQNR ${decibel(roundTrip.sqnrDb)}`;
  return {
    title: `${report.format}${report.ios ? ` for iOS ${report.ios}` : ''}${report.file ? `: ${report.file}` : ''}`,
    head: ['', 'value', 'basis'],
    rows: [
      ['size', byteText(report.bytes), 'measured'],
      ...(report.int8Macs === undefined ? [] : onChip(report, report.int8Macs)),
      ['against the model', agreement, report.verifiedBy.join('; ')],
      ...codes(report),
    ],
  };
}

/** Each layer for itself, fed with the model's own codes. */
const codes = ({ roundTrip: { codes: all } }: PackageReport): string[][] =>
  all
    ? [
        [
          'layer by layer',
          all.different === 0
            ? 'all codes equal'
            : `${all.different} of ${all.compared} codes differ, by ${all.mostSteps} at most`,
          'the codes of one sample, each layer fed with the model’s own',
        ],
      ]
    : [];

/** What the size is made of: a SavedModel holds its weights once for each reader. */
const files = ({ files: all = {} }: PackageReport): Section => ({
  title: 'files',
  head: ['file', 'size'],
  rows: Object.entries(all).map(([file, bytes]) => [file, byteText(bytes)]),
  numeric: [1],
});

const onChip = ({ tiles, fallbackShare }: PackageReport, int8Macs: number): string[][] => [
  ['int8 path', `${percent(int8Macs)} of MACs`, 'static estimate'],
  tiles
    ? [
        'arrays filled',
        `${percent(tiles.filled)} of their work`,
        'static estimate, each tap of a filter by itself',
      ]
    : ['off the Neural Engine', `${percent(fallbackShare)} of the work`, 'static estimate'],
];

const changes = ({ changes: all = {} }: PackageReport): Section => ({
  title: 'changed',
  head: ['what', 'count'],
  rows: Object.entries(all).map(([what, count]) => [what, String(count)]),
  numeric: [1],
});

const operations = (report: PackageReport): Section => ({
  title: 'operations',
  head: ['operation', 'count'],
  rows: Object.entries(report.operations).map(([type, count]) => [type, String(count)]),
  numeric: [1],
  brief: 8,
});

const placement = (report: PackageReport): Section =>
  report.tiles ? padding(report.tiles) : fallbacks(report);

/** Axes are padded to whole tiles, so channels that fill them cost nothing more. */
const padding = ({ lanes, layers }: NonNullable<PackageReport['tiles']>): Section => ({
  title: `padded to ${lanes} lanes: ${layers.length} products`,
  head: ['node', 'summed', 'made', 'of the work'],
  rows: layers.map((l) => [
    l.node,
    `${l.inner} → ${l.paddedInner}`,
    `${l.outer} → ${l.paddedOuter}`,
    percent(l.waste),
  ]),
  numeric: [3],
  brief: 5,
});

/** One row a reason: a network has many operations that fall for the same one. */
function fallbacks({ fallbacks: all }: PackageReport): Section {
  const groups = new Map<string, typeof all>();
  for (const f of all) {
    const key = `${f.operation}\n${f.reason}`;
    groups.set(key, [...(groups.get(key) ?? []), f]);
  }
  return {
    title: `expected on the CPU or GPU: ${all.length} operations`,
    head: ['operation', 'count', 'first node', 'reason'],
    rows: [...groups.values()].map((g) => [g[0].operation, String(g.length), g[0].node, g[0].reason]),
    numeric: [1],
    brief: 10,
  };
}
