import type { Figure, Report, SpeedAndPower } from './types.js';
import { basisText, byteText, figureText, percent } from './units.js';

/**
 * What follows from the figures of the quantized model, as names and sentences for every form of a report: what binds
 * it, where its energy goes, what fits, what it costs. What is not known is left out.
 */
export function consequences(report: Report): [name: string, text: string][] {
  const rows: [string, string | undefined][] = [
    ['run', runText(report)],
    ['time', timeText(report.quantized)],
    ['memory', memoryText(report)],
    ['energy', energyText(report.quantized)],
    ['array', arrayText(report)],
    ['batch', batchText(report)],
    ['chips', chipsText(report)],
    ['battery', batteryText(report)],
    ['cost', costText(report)],
  ];
  return rows.flatMap(([name, text]) => (text ? [[name, text] as [string, string]] : []));
}

/** "1.9 ms (modelled ±30 %)". */
const told = (figure: Figure): string => `${figureText(figure)} (${basisText(figure)})`;

/** The batch, and the other sizes that the model leaves open. */
function runText({ run }: Report): string | undefined {
  if (!run) return undefined;
  const others = Object.entries(run.dims).filter(([name]) => !name.toLowerCase().includes('batch'));
  return [`batch ${run.batch}`, ...others.map(([name, size]) => `${name} ${size}`)].join(', ');
}

const timeText = ({ timeShare }: SpeedAndPower): string | undefined =>
  timeShare &&
  `${percent(timeShare.compute)} bound by arithmetic, ${percent(timeShare.memory)} by memory, ${percent(timeShare.overhead)} by overhead`;

function memoryText({ quantized: { memory }, target }: Report): string | undefined {
  if (!memory) return undefined;
  const cache = memory.cacheBytes > 0 ? ` + ${byteText(memory.cacheBytes)} cache` : '';
  const verdict = memory.fits ? 'fits' : 'does not fit';
  return `${byteText(memory.weightBytes)} weights + ${byteText(memory.activationBytes)} activations at most${cache}: ${verdict} ${target.name}`;
}

function energyText({ energyParts: parts }: SpeedAndPower): string | undefined {
  if (!parts) return undefined;
  const all = Object.values(parts).reduce((sum, part) => sum + part, 0);
  const names = { compute: 'arithmetic', onChip: 'SRAM', memory: 'DRAM', static: 'idle', call: 'call' };
  return Object.entries(parts)
    .filter(([, part]) => part > 0)
    .map(([key, part]) => `${percent(part / all)} ${names[key as keyof typeof names]}`)
    .join(', ');
}

/** How well the chip's array is used: quantized share of the MACs, and lanes that tiles fill, weighted by MACs. */
function arrayText({ layers, coverage, conversions, macs }: Report): string | undefined {
  const known = layers.filter((row) => row.macs > 0 && (row.utilisation ?? 0) > 0);
  if (known.length === 0 || macs === 0) return undefined;
  const work = known.reduce((sum, row) => sum + row.macs, 0);
  const lanes = work / known.reduce((sum, row) => sum + row.macs / row.utilisation!, 0);
  const pairs = conversions && `, ${conversions.quantize} quantize and ${conversions.dequantize} dequantize`;
  return `${percent(coverage.macs)} of the MACs quantized, ${percent(lanes)} of its lanes filled${pairs ?? ''}`;
}

const batchText = ({ saturation }: Report): string | undefined =>
  saturation &&
  `${saturation.batch} comes within a tenth of the best throughput, ${told(saturation.throughput)}`;

const chipsText = ({ chips }: Report): string | undefined =>
  chips &&
  `${chips.count} with a part of every weight, ${byteText(chips.memoryEachBytes)} each, ${told(chips.latencyMs)}`;

const batteryText = ({ battery }: Report): string | undefined =>
  battery &&
  `1,000 samples take ${told(battery.sharePer1000)} of ${battery.wattHours} Wh; without a pause it lasts ${told(battery.hours)}; sustained ${told(battery.sustained)}`;

const costText = ({ datacentre }: Report): string | undefined =>
  datacentre &&
  `1,000 samples take ${told(datacentre.joulesPer1000)}; a million ${datacentre.costPerMillion.value.toPrecision(2)} at ${datacentre.pricePerKwh} a kWh, the chip alone`;
