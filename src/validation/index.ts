import { TARGETS } from '../../targets/index.js';
import { predict } from './predict.js';
import { PUBLISHED_ROWS } from './rows/index.js';
import type { PublishedRow, ValidatedRow, Validation, ValidationSummary, Workload } from './types.js';

export type { PublishedRow, ValidatedRow, Validation, ValidationSummary } from './types.js';

/** Predicts every published row, of one target or of all. Pure arithmetic: about two seconds. */
export function validate(only?: string): Validation {
  const published = PUBLISHED_ROWS.filter((row) => only === undefined || row.target === only);
  const rows = published.map(validateRow);
  const validated = new Set(rows.map((row) => row.target));
  const targets = TARGETS.filter((t) => t.timing === 'modelled' && !t.id.includes('@'));
  return {
    schema: 'onnx-quantize/validation@1',
    summary: summarise(rows),
    fitted: Object.fromEntries(targets.filter((t) => validated.has(t.id)).map((t) => [t.id, t.fitted ?? []])),
    rows,
    unvalidated: targets.map((t) => t.id).filter((id) => !validated.has(id) && (only ?? id) === id),
  };
}

function validateRow(row: PublishedRow): ValidatedRow {
  const { workload, value, ...rest } = row;
  const target = TARGETS.find((t) => t.id === row.target)!;
  const predicted = predict(row, target);
  return { ...rest, what: describe(workload), published: value, predicted, error: predicted / value - 1 };
}

function describe(workload: Workload): string {
  switch (workload.kind) {
    case 'product':
      return `${workload.m}×${workload.k} · ${workload.k}×${workload.n}`;
    case 'stack':
      return `${workload.depth} convolutions of ${workload.channels} channels`;
    case 'network':
      return [
        workload.id,
        ...(workload.sequence ? [`${workload.sequence} tokens`] : []),
        ...(workload.runs ? [`${workload.runs} windows`] : []),
        `batch ${workload.batch}`,
      ].join(', ');
    case 'prompt':
      return `${workload.id}, first token of ${workload.input}${onChips(workload)}`;
    case 'generation':
      return `${workload.id}, ${workload.input} in, ${workload.output} out, batch ${workload.batch}${onChips(workload)}`;
  }
}

const onChips = ({ chips }: { chips?: number }): string => (chips ? `, ${chips} chips` : '');

function summarise(rows: readonly ValidatedRow[]): ValidationSummary[] {
  const groups = new Map<string, ValidatedRow[]>();
  for (const row of rows) {
    const key = `${row.target} ${row.kind}`;
    groups.set(key, [...(groups.get(key) ?? []), row]);
  }
  return [...groups.values()].map((group) => {
    const heldOut = group.filter((row) => row.used === 'held out');
    return {
      target: group[0].target,
      kind: group[0].kind,
      rows: group.length,
      heldOut: heldOut.length,
      meanError: mean(group),
      ...(heldOut.length > 0 && { meanHeldOut: mean(heldOut) }),
      worstError: Math.max(...group.map((row) => Math.abs(row.error))),
    };
  });
}

const mean = (rows: readonly ValidatedRow[]): number =>
  rows.reduce((sum, row) => sum + Math.abs(row.error), 0) / rows.length;
