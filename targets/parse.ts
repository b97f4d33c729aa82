import { invalidError } from '../src/errors.js';
import { FIELDS, type FieldRule, isObject } from './fields.js';
import type { Target } from './types.js';

export interface TargetProblem {
  /** Dotted path of the field: `memory.bandwidth.unit`. */
  path: string;
  expected: string;
  found: string;
  example: string;
}

/** Everything that is wrong with a target description; empty when it is a Target. */
export function targetProblems(json: unknown): TargetProblem[] {
  if (!isObject(json)) return [problem('(the file)', 'an object', json, { id: 'my-chip' })];
  const problems = [...FIELDS.flatMap((rule, i) => check(json, rule, PATHS[i])), ...unknownFields(json, '')];
  const present = new Set(problems.map((p) => p.path));
  if (json.timing === 'modelled' && problems.length === 0)
    for (const path of ['memory', 'overhead', 'errorBand'])
      if (!json[path] && !present.has(path))
        problems.push(problem(path, 'figures, since timing is "modelled"', undefined, exampleOf(path)));
  return problems.length === 0 && json.timing === 'modelled' ? coverage(json as unknown as Target) : problems;
}

/** A modelled chip needs a rate for its float format and for what it quantizes to, or no node could be timed. */
function coverage(target: Target): TargetProblem[] {
  const tables: [string, Record<string, unknown>, string][] = [
    ['peak', target.peak, 'op/s'],
    ['utilisation', target.utilisation, 'share'],
  ];
  if (target.power) tables.push(['power.operation', target.power.operation, 'pJ/op']);
  return tables.flatMap(([path, table, unit]) =>
    [target.floatFormat, 'int8']
      .filter((format) => !table[format])
      .map((format) =>
        problem(
          `${path}.${format}`,
          `a figure in ${unit} with its source`,
          undefined,
          exampleOf(`${path}.*`),
        ),
      ),
  );
}

function check(json: Record<string, unknown>, rule: FieldRule, keys: string[]): TargetProblem[] {
  return places(json, keys, '').flatMap(({ path, value }) => {
    if (value === undefined && !rule.required) return [];
    return rule.test(value) ? [] : [problem(path, rule.expected, value, rule.example)];
  });
}

/** The values at a path; nothing where a parent is absent, since the parent's own rule speaks of that. */
function places(value: unknown, keys: string[], at: string): { path: string; value: unknown }[] {
  if (keys.length === 0) return [{ path: at, value }];
  if (!isObject(value)) return [];
  const [key, ...rest] = keys;
  const names = key === '*' ? Object.keys(value) : [key];
  return names.flatMap((name) => places(value[name], rest, at ? `${at}.${name}` : name));
}

const PATHS = FIELDS.map((rule) => rule.path.split('.'));
const FACT_KEYS = ['value', 'unit', 'kind', 'source', 'date'];

/** Fields that no rule names: a misspelt optional field would otherwise be ignored in silence. */
function unknownFields(value: Record<string, unknown>, at: string): TargetProblem[] {
  const above = at ? at.split('.') : [];
  const children = PATHS.filter((keys) => keys.length === above.length + 1)
    .filter((keys) => above.every((name, i) => keys[i] === '*' || keys[i] === name))
    .map((keys) => keys[keys.length - 1]);
  return Object.entries(value).flatMap(([key, child]) => {
    const path = at ? `${at}.${key}` : key;
    if (!children.includes(key) && !children.includes('*'))
      return [
        problem(path, `no such field; known here: ${children.join(', ') || FACT_KEYS.join(', ')}`, child, ''),
      ];
    return isObject(child) ? unknownFields(child, path) : [];
  });
}

const exampleOf = (path: string): unknown =>
  FIELDS.find((rule) => rule.path === path)?.example ?? FIELDS.find((r) => r.path.startsWith(path))?.example;

const show = (value: unknown): string => {
  const json = value === undefined ? 'nothing' : JSON.stringify(value);
  return json.length > 80 ? `${json.slice(0, 77)}…` : json;
};

const problem = (path: string, expected: string, found: unknown, example: unknown): TargetProblem => ({
  path,
  expected,
  found: show(found),
  example: example === '' ? '' : JSON.stringify(example),
});

/**
 * A chip from a user's own JSON (already parsed). Unknown fields are errors.
 * @param file named in the error
 * @throws QuantizeError TARGET_INVALID (invalid): the first wrong field's path, what is expected there (with its
 *   unit), what was found, and an example; further problems are counted
 */
export function parseTarget(json: unknown, file?: string): Target {
  const [first, ...others] = targetProblems(json);
  if (!first) return json as Target;
  const more = others.length > 0 ? ` (and ${others.length} more)` : '';
  throw invalidError(
    'TARGET_INVALID',
    `target description: "${first.path}" must be ${first.expected}; found ${first.found}${more}`,
    {
      where: { file },
      hint: first.example ? `for example "${first.path}": ${first.example}` : 'remove or rename the field',
    },
  );
}
