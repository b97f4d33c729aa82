import type { Report, SpeedAndPower } from '../../report/types.js';
import { byteText, figureText, percent } from './units.js';

/** What follows from the figures of the quantized model, a line each: what binds it, where its energy goes, what it costs. */
export const outlookLines = (report: Report): string[] =>
  [
    boundLine(report.quantized),
    memoryLine(report),
    energyLine(report.quantized),
    saturationLine(report),
    chipsLine(report),
    batteryLine(report),
    datacentreLine(report),
  ].filter((line) => line !== '');

const boundLine = ({ timeShare }: SpeedAndPower): string =>
  timeShare
    ? `time: ${percent(timeShare.compute)} bound by arithmetic, ${percent(timeShare.memory)} by memory, ${percent(timeShare.overhead)} by overhead`
    : '';

function memoryLine({ quantized: { memory }, target }: Report): string {
  if (!memory) return '';
  const cache = memory.cacheBytes > 0 ? ` + ${byteText(memory.cacheBytes)} cache` : '';
  const verdict = memory.fits ? 'fits' : 'does not fit';
  return `memory: ${byteText(memory.weightBytes)} weights + ${byteText(memory.activationBytes)} activations at most${cache}: ${verdict} ${target.name}`;
}

function energyLine({ energyParts: parts }: SpeedAndPower): string {
  if (!parts) return '';
  const all = Object.values(parts).reduce((sum, part) => sum + part, 0);
  const names = { compute: 'arithmetic', onChip: 'SRAM', memory: 'DRAM', static: 'idle', call: 'call' };
  const shares = Object.entries(parts)
    .filter(([, part]) => part > 0)
    .map(([key, part]) => `${percent(part / all)} ${names[key as keyof typeof names]}`);
  return `energy: ${shares.join(', ')}`;
}

const saturationLine = ({ saturation }: Report): string =>
  saturation
    ? `batch: ${saturation.batch} comes within a tenth of the best throughput, ${figureText(saturation.throughput)}`
    : '';

const chipsLine = ({ chips }: Report): string =>
  chips
    ? `chips: ${chips.count} with a part of every weight, ${byteText(chips.memoryEachBytes)} each, ${figureText(chips.latencyMs)}`
    : '';

const batteryLine = ({ battery }: Report): string =>
  battery
    ? `battery: 1,000 samples take ${figureText(battery.sharePer1000)} of ${battery.wattHours} Wh; without a pause it lasts ${figureText(battery.hours)}; sustained ${figureText(battery.sustained)}`
    : '';

const datacentreLine = ({ datacentre }: Report): string =>
  datacentre
    ? `cost: 1,000 samples take ${figureText(datacentre.joulesPer1000)}; a million ${datacentre.costPerMillion.value.toPrecision(2)} at ${datacentre.pricePerKwh} a kWh, the chip alone`
    : '';
