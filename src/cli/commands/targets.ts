import { findTarget, TARGETS } from '../../../targets/index.js';
import type { Fact, Target } from '../../../targets/types.js';
import { nearestNames, usageError } from '../../errors.js';
import type { Action } from '../command-table/spec.js';
import { type Forms, listing, markdownTable, printResult } from '../output.js';
import { digits } from '../render/units.js';

export const run: Action = (_args, options, shell) =>
  printResult(options.show === undefined ? all() : one(known(options.show)), options, shell);

function known(name: string): Target {
  const found = findTarget(name);
  if (found) return found;
  const near = nearestNames(
    name,
    TARGETS.flatMap((t) => [t.id, ...t.aliases]),
  );
  throw usageError('UNKNOWN_TARGET', `no chip called "${name}"`, {
    hint: near.length > 0 ? `did you mean ${near.join(' or ')}?` : '`quantize targets` lists them',
  });
}

const all = (): Forms =>
  listing(
    'onnx-quantize/targets@1',
    ['chip', 'also', 'activations', 'what it is'],
    TARGETS.map((t) => [t.id, t.aliases.join(', '), t.activations.format, `${t.name}: ${t.description}`]),
    { targets: TARGETS },
  );

function one(target: Target): Forms {
  const rows = facts('', target);
  const head = ['figure', 'value', 'kind', 'source', 'date'];
  const text = [
    `${target.name} (${[target.id, ...target.aliases].join(', ')})`,
    target.description,
    `activations: ${target.activations.format}, ${target.activations.symmetric ? 'centred on zero' : 'zero points allowed'}: ${target.activations.reason}`,
    `everything else: ${target.floatFormat}`,
    `integer operators: ${target.integerOperators.join(', ')}`,
  ];
  return {
    json: { schema: 'onnx-quantize/target@1', target },
    markdown: () => [...text, markdownTable(head, rows), ...target.caveats.map((c) => `- ${c}`)].join('\n\n'),
    table: (term) =>
      [term.bold(text[0]), ...text.slice(1), '', term.table(head, rows), '']
        .concat(target.caveats.map((c) => `${term.warn('!')} ${c}`))
        .join('\n'),
  };
}

const isFact = (value: unknown): value is Fact =>
  typeof value === 'object' && value !== null && 'value' in value && 'source' in value;

/** Every figure of a target wherever it sits, named by its path. */
function facts(path: string, value: unknown): string[][] {
  if (isFact(value))
    return [[path, `${digits(value.value)} ${value.unit}`.trim(), value.kind, value.source, value.date]];
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([key, inner]) => facts(path ? `${path}.${key}` : key, inner));
}
