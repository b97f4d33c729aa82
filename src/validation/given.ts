import { ARCHITECTURES } from '../../fixtures/architectures/index.js';
import { findTarget, TARGETS } from '../../targets/index.js';
import { invalidError } from '../errors.js';
import { PRECISION_IDS } from './predict.js';
import type { PublishedRow, Workload } from './types.js';

interface Field {
  path: string;
  expected: string;
  test(value: unknown): boolean;
  optional?: true;
}

const isCount = (value: unknown): boolean => Number.isInteger(value) && (value as number) > 0;
const oneOf = (path: string, values: readonly string[]): Field => ({
  path,
  expected: `one of ${values.map((v) => `"${v}"`).join(', ')}`,
  test: (value) => values.includes(value as string),
});
const count = (name: string): Field => ({
  path: `workload.${name}`,
  expected: 'a whole number above 0, such as 8',
  test: isCount,
});
const optional = (field: Field): Field => ({ ...field, optional: true });
const network = oneOf(
  'workload.id',
  ARCHITECTURES.map((a) => a.id),
);

/** What each kind of workload is told by, and in which units it is measured. */
const WORKLOADS: Readonly<Record<Workload['kind'], { fields: Field[]; units: PublishedRow['unit'][] }>> = {
  product: { fields: [count('m'), count('n'), count('k')], units: ['TFLOPS', 'µs', 'ms'] },
  stack: { fields: [count('depth'), count('channels')], units: ['ms', 'µs'] },
  network: {
    fields: [network, count('batch'), optional(count('sequence')), optional(count('runs'))],
    units: ['ms', 'µs', 'samples/s'],
  },
  prompt: { fields: [network, count('input'), optional(count('chips'))], units: ['ms', 'µs'] },
  generation: {
    fields: [network, count('batch'), count('input'), count('output'), optional(count('chips'))],
    units: ['tokens/s', 'ms'],
  },
};

const CHIPS = TARGETS.filter((t) => t.timing === 'modelled').flatMap((t) => [t.id, ...t.aliases]);

const COMMON: Field[] = [
  oneOf('target', CHIPS),
  oneOf('precision', PRECISION_IDS),
  {
    path: 'value',
    expected: 'the measured number (a prediction does not depend on it)',
    test: (v) => typeof v === 'number' && v > 0,
  },
  oneOf('workload.kind', Object.keys(WORKLOADS)),
];

/**
 * Measurements that the cost model has never seen, from a JSON list.
 * @throws QuantizeError ROWS_INVALID (invalid), naming the row, the field and what it must be
 */
export function givenRows(json: unknown, file: string): PublishedRow[] {
  if (!Array.isArray(json) || json.length === 0)
    throw invalidError('ROWS_INVALID', 'expected a list of measurements', { where: { file }, hint: EXAMPLE });
  return json.map((row, i) => givenRow(row, `row ${i + 1}`, file));
}

function givenRow(row: unknown, place: string, file: string): PublishedRow {
  check(row, COMMON, place, file);
  const given = row as PublishedRow;
  const { fields, units } = WORKLOADS[given.workload.kind];
  check(row, [...fields, oneOf('unit', units)], place, file);
  return {
    ...given,
    target: findTarget(given.target)!.id,
    kind: kindOf(given.workload),
    used: 'held out',
    source: typeof given.source === 'string' ? given.source : file,
  };
}

function check(row: unknown, fields: readonly Field[], place: string, file: string): void {
  for (const { path, expected, test, optional } of fields) {
    const value = path.split('.').reduce<unknown>((v, key) => (v as Record<string, unknown>)?.[key], row);
    if ((optional && value === undefined) || test(value)) continue;
    const found = value === undefined ? 'nothing' : JSON.stringify(value);
    throw invalidError('ROWS_INVALID', `${place}: ${path} is ${found}; expected ${expected}`, {
      where: { file },
      hint: EXAMPLE,
    });
  }
}

const EXAMPLE =
  'such as [{"target": "l4", "workload": {"kind": "network", "id": "resnet50", "batch": 32}, ' +
  '"precision": "int8", "unit": "samples/s", "value": 13158}]';

function kindOf(workload: Workload): PublishedRow['kind'] {
  if (workload.kind === 'product') return 'products';
  if (workload.kind === 'prompt' || workload.kind === 'generation') return 'generation';
  return workload.kind === 'network' && /bert|vit-/.test(workload.id) ? 'transformers' : 'convolutions';
}
