import type { Plan } from '../../plan/types.js';
import { markdownTable } from '../output.js';
import type { Terminal } from './terminal.js';
import { digits } from './units.js';

const SHORT_LIST = 20;

interface Section {
  title: string;
  head: string[];
  rows: string[][];
}

/** The decisions of a plan by kind, each with its reason. */
function sections(plan: Plan): Section[] {
  return [
    {
      title: `weights: ${plan.weights.length} tensors`,
      head: ['tensor', 'format', 'shared by', 'reason'],
      rows: plan.weights.map((w) => [w.tensor, w.format, granularityText(w), w.reason]),
    },
    {
      title: `activations: ${plan.activations.length} tensors`,
      head: ['tensor', 'format', 'scale', 'zero', 'reason'],
      rows: plan.activations.map((a) => [a.tensor, a.format, digits(a.scale), String(a.zeroPoint), a.reason]),
    },
    {
      title: `left in float: ${plan.float.length} nodes`,
      head: ['node', 'operator', 'reason'],
      rows: plan.float.map((f) => [f.node, f.opType, f.reason]),
    },
  ].filter((section) => section.rows.length > 0);
}

const granularityText = ({ granularity, axis }: Plan['weights'][number]): string =>
  granularity.kind === 'perlayer'
    ? 'tensor'
    : granularity.kind === 'perchannel'
      ? `channel (axis ${axis})`
      : `${granularity.size} along axis ${axis}`;

const title = (plan: Plan): string =>
  `${plan.scheme} for ${plan.target}, ${plan.method}, opset ${plan.opset}` +
  (plan.evidence === 'synthetic' ? ' (synthetic calibration: no evidence about accuracy)' : '');

export function renderPlan(plan: Plan, term: Terminal, verbose: boolean): string {
  const parts = sections(plan).map(({ title, head, rows }) => {
    const shown = verbose ? rows : rows.slice(0, SHORT_LIST);
    const rest = rows.length - shown.length;
    const more = rest > 0 ? [term.dim(`  … and ${rest} more; --verbose shows all`)] : [];
    return [title, term.table(head, shown), ...more].join('\n');
  });
  return [term.bold(title(plan)), ...parts].join('\n\n');
}

export const planMarkdown = (plan: Plan): string =>
  [
    `# ${title(plan)}`,
    ...sections(plan).map(({ title, head, rows }) => `## ${title}\n\n${markdownTable(head, rows)}`),
  ].join('\n\n');
