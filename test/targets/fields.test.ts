import { describe, expect, it } from 'vitest';
import { FIELDS, type FieldRule } from '../../targets/fields.js';
import { parseTarget, type TargetProblem, targetProblems } from '../../targets/index.js';

type Json = Record<string, unknown>;

/** Formats that a target must know, for the fields that are tables of them. */
const FORMATS = ['int8', 'float16'];
const paths = (path: string): string[] =>
  path.includes('*') ? FORMATS.map((format) => path.replace('*', format)) : [path];

function put(target: Json, path: string, value: unknown): Json {
  const keys = path.split('.');
  const last = keys.pop() as string;
  const parent = keys.reduce((at, key) => at[key] as Json, target);
  if (value === undefined) delete parent[last];
  else parent[last] = value;
  return target;
}

/** A description with every field that there is, each with its own example. */
const whole = (): Json =>
  FIELDS.reduce<Json>(
    (target, rule) =>
      paths(rule.path).reduce((at, path) => put(at, path, structuredClone(rule.example)), target),
    {},
  );

it('the examples of all fields make a target', () => {
  const target = { ...whole(), floatFormat: 'float16' };
  expect(targetProblems(target)).toEqual([]);
  expect(parseTarget(target)).toBe(target);
});

/** What people write by mistake: a unit with the number, a sign, a list for one, nothing. */
const MISTAKES = [null, '', '51.2 GB/s', -1, 1e3, [1], { value: 1 }];
/** Each field once. */
const cases = FIELDS.map((rule) => [paths(rule.path)[0], rule] as [string, FieldRule]);
/** Every change is taken back, so that one description serves all. */
const target: Json = { ...whole(), floatFormat: 'float16' };
const at = (path: string): unknown =>
  path.split('.').reduce<unknown>((parent, key) => (parent as Json)?.[key], target);

function told(path: string, change: unknown): TargetProblem | undefined {
  const kept = at(path);
  put(target, path, change);
  const problem = targetProblems(target)[0];
  put(target, path, kept);
  return problem;
}

describe('a mistake is told by its field, what is expected there with its unit, and an example', () => {
  it.each(cases)('%s', (path, rule) => {
    const wrong = MISTAKES.filter((value) => !rule.test(value));
    expect(wrong.length).toBeGreaterThan(2);
    for (const value of wrong) {
      const problem = told(path, value)!;
      expect(problem).toMatchObject({ path, expected: rule.expected });
      expect(rule.test(JSON.parse(problem.example))).toBe(true);
    }
  });

  // In a table of formats any name may stand, and only those that are quantized to must.
  it.each(cases.filter(([, { path }]) => !path.endsWith('*')))('%s, left out or misspelt', (path, rule) => {
    if (rule.required) expect(told(path, undefined)).toMatchObject({ path, expected: rule.expected });
    expect(told(`${path}x`, 1)?.path).toBe(`${path}x`);
  });
});

it('every figure’s rule says its unit', () => {
  const figures = FIELDS.filter((rule) => rule.path.endsWith('.value'));
  expect(figures.length).toBeGreaterThan(30);
  for (const { expected } of figures) expect(expected).toMatch(/^a number in \S+, /);
});
