import type { TextTable } from './breakdown.js';
import type { ComparisonRow, Loss, ReportComparison } from './comparison.js';
import type { Figure } from './types.js';
import { basisText, byteText, digits, figureText } from './units.js';

interface Column {
  head: string;
  shortHead?: string;
  text(row: ComparisonRow): string;
  /** What it says where there is little room; "" leaves it out. */
  short?(row: ComparisonRow): string;
  left?: true;
}

const COLUMNS: readonly Column[] = [
  { head: 'chip', text: (row) => row.target.name, short: (row) => row.target.id, left: true },
  { head: 'scheme', text: (row) => row.scheme || 'as it stands', left: true },
  {
    head: 'accuracy loss',
    shortHead: 'loss',
    text: (row) => (row.loss ? lossText(row.loss) : ''),
    short: (row) => (row.loss ? shortLoss(row.loss) : ''),
  },
  { head: 'latency', text: (row) => figureText(row.latencyMs) },
  { head: 'speed-up', text: (row) => ratio(row.speedup) },
  { head: 'power', text: (row) => figureText(row.watts) },
  { head: 'energy', text: (row) => figureText(row.energyMj) },
  {
    head: 'parameters',
    text: (row) => (row.parameterBytes === undefined ? '' : byteText(row.parameterBytes)),
  },
  { head: 'smaller', text: (row) => ratio(row.smaller), short: () => '' },
  {
    head: 'basis',
    text: (row) => row.unsupported ?? basis(row.latencyMs, row.energyMj),
    short: (row) => row.unsupported ?? shortBasis(row.latencyMs, row.energyMj),
    left: true,
  },
];

/** The same columns on a terminal, in Markdown and on a page, in the order of the comparison; columns that nothing is known of are left out. */
export function comparisonTable({ rows }: ReportComparison, short = false): TextTable {
  const cells = rows.map((row) =>
    COLUMNS.map((column) => (short && column.short ? column.short(row) : column.text(row))),
  );
  const kept = COLUMNS.map((_, i) => i).filter((i) => cells.some((row) => row[i] !== ''));
  return {
    head: kept.map((i) => (short && COLUMNS[i].shortHead) || COLUMNS[i].head),
    rows: cells.map((row) => kept.map((i) => row[i])),
    numeric: kept.flatMap((column, i) => (COLUMNS[column].left ? [] : [i])),
  };
}

/** "0.50 (−0.3…1.2) points", or what signal to noise says where there are no labels. */
function lossText({ points, interval, sqnrDb }: Loss): string {
  if (points === undefined || !interval) return sqnrDb === null ? 'none' : `${sqnrDb.toFixed(1)} dB SQNR`;
  return `${points.toFixed(2)} points (${interval[0].toFixed(1)}…${interval[1].toFixed(1)})`;
}

/** "0.50 pts", or "21.7 dB" where there are no labels. */
const shortLoss = ({ points, sqnrDb }: Loss): string =>
  points !== undefined ? `${points.toFixed(2)} pts` : sqnrDb === null ? 'none' : `${sqnrDb.toFixed(1)} dB`;

const ratio = (value: number | undefined): string => (value === undefined ? '' : `${digits(value)}×`);

/** Time and energy may rest on different ground. */
const basis = (latency: Figure | undefined, energy: Figure | undefined): string => {
  const [time, joules] = [basisText(latency), basisText(energy)];
  return joules === '' || joules === time ? time : `${time}; energy ${joules.replace('modelled ', '')}`;
};

/** "±30/100 %": of time and of energy. */
function shortBasis(latency: Figure | undefined, energy: Figure | undefined): string {
  const bands = [latency, energy].flatMap((f) => (f?.band === undefined ? [] : [Math.round(100 * f.band)]));
  return bands.length === 0 ? basisText(latency) : `±${[...new Set(bands)].join('/')} %`;
}
