import type { Figure, Report } from '../types.js';
import { basisText, byteText, changeText, figureText } from '../units.js';
import { html, type Markup } from './markup.js';

interface Card {
  label: string;
  before: Figure;
  after: Figure;
  text(figure: Figure): string;
  less: string;
  more: string;
  /** Which way is good. */
  good: 'less' | 'more';
}

/** Size, speed and power before and after, each with what it is and how far it may be off. */
export function cards(report: Report): Markup {
  const { size, float, quantized } = report;
  const bytes = (value: number): Figure => ({ value, unit: 'B', kind: 'measured' });
  const list: (Card | undefined)[] = [
    card(
      'Parameters',
      bytes(size.floatParameterBytes),
      bytes(size.quantizedParameterBytes),
      'smaller',
      'larger',
      'less',
      (f) => byteText(f.value),
    ),
    card('Latency', float.latencyMs, quantized.latencyMs, 'faster', 'slower'),
    card('Throughput', float.throughput, quantized.throughput, 'lower', 'higher', 'more'),
    card('Energy a run', float.energyMj, quantized.energyMj, 'less', 'more'),
    card('Power', float.watts, quantized.watts, 'less', 'more'),
  ];
  return html`<section class="cards">${list.map((c) => c && cardMarkup(c))}${accuracyCard(report)}</section>`;
}

function card(
  label: string,
  before: Figure | undefined,
  after: Figure | undefined,
  less: string,
  more: string,
  good: Card['good'] = 'less',
  text: Card['text'] = figureText,
): Card | undefined {
  return before && after && { label, before, after, less, more, good, text };
}

function cardMarkup({ label, before, after, less, more, good, text }: Card): Markup {
  const [value, ...unit] = text(after).split(' ');
  const change = changeText(before.value, after.value, less, more);
  const improved = good === 'less' ? after.value < before.value : after.value > before.value;
  const judged = change === 'the same' ? 'muted' : improved ? 'better' : 'worse';
  return html`<div class="card"><div class="label">${label}</div>
<div class="value">${value} <small>${unit.join(' ')}</small></div>
<div class="was">from ${text(before)} · <span class="${judged}">${change}</span></div>
${band(before, after)}<div class="basis" title="${after.note}">${basisText(after)}</div></div>
`;
}

/** Both figures with their error bands on one scale from zero: float above, quantized below. */
function band(before: Figure, after: Figure): Markup {
  const most = Math.max(...[before, after].map((f) => f.value * (1 + (f.band ?? 0))));
  const at = (value: number) => `${Math.min(100, Math.max(0, (100 * value) / most)).toFixed(1)}%`;
  const line = ({ value, band: off = 0 }: Figure, kind: string) =>
    html`<i class="${kind}" style="left:${at(value * (1 - off))};right:calc(100% - ${at(value * (1 + off))})"></i><b class="${kind}" style="left:${at(value)}"></b>`;
  return html`<div class="band" aria-hidden="true">${most > 0 && after.kind !== 'measured' && [line(before, 'f'), line(after, 'q')]}</div>`;
}

function accuracyCard({ metrics }: Report): Markup | undefined {
  const { top1, outputs = [] } = metrics ?? {};
  if (top1) {
    const [low, high] = top1.dropInterval;
    return html`<div class="card"><div class="label">Top-1 accuracy</div>
<div class="value">${(100 * top1.quantized).toFixed(1)} <small>%</small></div>
<div class="was">from ${(100 * top1.float).toFixed(1)} % · <span class="${top1.drop > 0 ? 'worse' : 'better'}">${loss(top1.drop)}</span></div>
<div class="basis">95 % interval of the loss ${low.toFixed(2)} … ${high.toFixed(2)} points, measured on ${metrics!.samples} samples</div></div>`;
  }
  const known = outputs.flatMap((o) => o.sqnrDb ?? []);
  if (known.length === 0) return undefined;
  return html`<div class="card"><div class="label">Worst output, signal to noise</div>
<div class="value">${Math.min(...known).toFixed(1)} <small>dB</small></div>
<div class="was">quantized against FP32</div><div class="basis">measured on ${metrics!.samples} ${metrics!.evidence} samples</div></div>`;
}

const loss = (points: number): string =>
  points > 0 ? `${points.toFixed(2)} points lost` : `${(-points).toFixed(2)} points gained`;
