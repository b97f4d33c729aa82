import type { Plan, WeightPlan } from '../../plan/types.js';
import { markdownSection, paragraphs, renderSection, type Section } from './section.js';
import type { Terminal } from './terminal.js';
import { digits } from './units.js';

const BRIEF = 15;

export const renderPlan = (plan: Plan, term: Terminal, verbose: boolean): string =>
  paragraphs([term.bold(title(plan)), ...sections(plan).map((s) => renderSection(s, term, verbose))]);

export const planMarkdown = (plan: Plan): string =>
  paragraphs([`# ${title(plan)}`, ...sections(plan).map(markdownSection)]);

const title = (plan: Plan): string =>
  `${plan.scheme} for ${plan.target}, ${plan.method}, opset ${plan.opset}` +
  (plan.evidence === 'synthetic' ? ' (synthetic calibration: no evidence about accuracy)' : '');

/** The decisions of a plan by kind, each with its reason. */
const sections = (plan: Plan): Section[] => [
  {
    title: `weights: ${plan.weights.length} tensors`,
    head: ['tensor', 'format', 'scale of each', 'reason'],
    rows: plan.weights.map((w) => [w.tensor, w.format, granularityText(w), w.reason]),
    brief: BRIEF,
  },
  {
    title: `activations: ${plan.activations.length} tensors`,
    head: ['tensor', 'format', 'scale', 'zero', 'reason'],
    rows: plan.activations.map((a) => [a.tensor, a.format, digits(a.scale), String(a.zeroPoint), a.reason]),
    numeric: [2, 3],
    brief: BRIEF,
  },
  {
    title: `compute in integers: ${plan.integer.length} nodes`,
    head: ['node', 'operator', 'reason'],
    rows: plan.integer.map((i) => [i.node, i.opType, i.reason]),
    brief: 0,
  },
  {
    title: `left in float: ${plan.float.length} nodes`,
    head: ['node', 'operator', 'reason'],
    rows: plan.float.map((f) => [f.node, f.opType, f.reason]),
    brief: BRIEF,
  },
];

function granularityText({ granularity, axis }: WeightPlan): string {
  if (granularity.kind === 'block') return `${granularity.size} along axis ${axis}`;
  return granularity.kind === 'perchannel'
    ? `channel of axis ${axis}`
    : { perlayer: 'tensor', none: '' }[granularity.kind];
}
