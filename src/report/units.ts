import type { Figure } from './types.js';

const BYTE_UNITS = ['B', 'kB', 'MB', 'GB', 'TB'];
const COUNT_UNITS = ['', ' k', ' M', ' G', ' T'];

/** Three significant digits, without an exponent for everyday sizes. */
export function digits(value: number): string {
  if (!Number.isFinite(value)) return String(value);
  const size = Math.abs(value);
  if (size === 0) return '0';
  if (size >= 100) return String(Math.round(value));
  if (size < 0.001) return value.toExponential(1);
  return String(Number(value.toPrecision(3)));
}

const scaled = (value: number, units: string[], gap: string): string => {
  let step = 0;
  let rest = value;
  while (Math.abs(rest) >= 999.5 && step < units.length - 1) {
    rest /= 1000;
    step++;
  }
  return `${digits(rest)}${gap}${units[step]}`;
};

/** 13350000 → "13.4 MB" (powers of 1000). */
export const byteText = (bytes: number): string => scaled(bytes, BYTE_UNITS, ' ');
/** 300774272 → "301 M". */
export const countText = (count: number): string => scaled(count, COUNT_UNITS, '');
/** 0.9876 → "98.8 %". */
export const percent = (share: number, places = 1): string => `${(100 * share).toFixed(places)} %`;
export const decibel = (db: number | null | undefined): string =>
  db == null ? 'equal' : `${db.toFixed(1)} dB`;

/** "1.9 ms". */
export const figureText = (figure: Figure | undefined): string =>
  figure ? `${digits(figure.value)} ${figure.unit}`.trimEnd() : '';

/** "modelled ±30 %", "measured": never shown without this. */
export const basisText = (figure: Figure | undefined): string =>
  figure ? `${figure.kind}${figure.band === undefined ? '' : ` ±${Math.round(100 * figure.band)} %`}` : '';

/** "3.7× smaller", or "1.1× larger" when it grew. */
export function changeText(before: number, after: number, less: string, more: string): string {
  if (!(before > 0) || !(after > 0)) return '';
  const ratio = before / after;
  if (Math.abs(ratio - 1) < 0.005) return 'the same';
  return ratio > 1 ? `${digits(ratio)}× ${less}` : `${digits(1 / ratio)}× ${more}`;
}
