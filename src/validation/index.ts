import { TARGETS } from '../../targets/index.js';
import type { Target } from '../../targets/types.js';
import { leftOutErrors } from './leave-out.js';
import { predict } from './predict.js';
import { PUBLISHED_ROWS } from './rows/index.js';
import type { PublishedRow, ValidatedRow, Validation, ValidationSummary, Workload } from './types.js';

export { givenRows } from './given.js';
export type { PublishedRow, ValidatedRow, Validation, ValidationSummary } from './types.js';

/**
 * Predicts every published row, of one target or of all. Pure arithmetic: about two seconds.
 * @param given other rows, that no constant was fitted to, in their place
 */
export function validate(only?: string, given?: readonly PublishedRow[]): Validation {
  const published = (given ?? PUBLISHED_ROWS).filter((row) => only === undefined || row.target === only);
  const rows = TARGETS.flatMap((target) => {
    const own = published.filter((row) => row.target === target.id);
    const leftOut = leftOutErrors(own, target);
    return own.map((row) => validateRow(row, target, leftOut.get(row)));
  });
  const validated = new Set(rows.map((row) => row.target));
  const targets = TARGETS.filter((t) => t.timing === 'modelled' && !t.id.includes('@'));
  return {
    schema: 'onnx-quantize/validation@1',
    summary: summarise(rows),
    fitted: Object.fromEntries(targets.filter((t) => validated.has(t.id)).map((t) => [t.id, t.fitted ?? []])),
    rows,
    unvalidated: given
      ? []
      : targets.map((t) => t.id).filter((id) => !validated.has(id) && (only ?? id) === id),
  };
}

function validateRow(row: PublishedRow, target: Target, leftOutError?: number): ValidatedRow {
  const { workload, value, ...rest } = row;
  const predicted = predict(row, target);
  const error = predicted / value - 1;
  return {
    ...rest,
    what: describe(workload),
    published: value,
    predicted,
    error,
    ...(leftOutError !== undefined && { leftOutError }),
  };
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
    const heldOut = errors(group.filter((row) => row.used === 'held out'));
    const leftOut = group.flatMap((row) => row.leftOutError ?? []);
    return {
      target: group[0].target,
      kind: group[0].kind,
      rows: group.length,
      heldOut: heldOut.length,
      meanError: mean(errors(group)),
      ...(heldOut.length > 0 && { meanHeldOut: mean(heldOut) }),
      ...(leftOut.length > 0 && { meanLeftOut: mean(leftOut) }),
      worstError: Math.max(...errors(group).map(Math.abs)),
    };
  });
}

const errors = (rows: readonly ValidatedRow[]): number[] => rows.map((row) => row.error);

const mean = (list: readonly number[]): number => list.reduce((sum, e) => sum + Math.abs(e), 0) / list.length;
