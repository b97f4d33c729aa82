import { describe, expect, it } from 'vitest';
import { QuantizeError } from '../../src/errors.js';
import { findTarget, parseTarget, registry, TARGETS, targetProblems } from '../../targets/index.js';
import type { Fact } from '../../targets/types.js';

const copy = (id: string) => structuredClone(findTarget(id)) as unknown as Record<string, unknown>;

/** Sets `path` in a fresh copy of the Neural Engine's description; undefined removes it. */
function broken(path: string, value: unknown): Record<string, unknown> {
  const target = copy('ane');
  const keys = path.split('.');
  const last = keys.pop() as string;
  const parent = keys.reduce((at, key) => at[key] as Record<string, unknown>, target);
  if (value === undefined) delete parent[last];
  else parent[last] = value;
  return target;
}

describe('the registry of targets', () => {
  it('lists the chips in order, each found by id and alias', () => {
    expect(TARGETS.map((t) => t.id)).toEqual([
      ...['a17-ane', 'tpu-v4', 'h100-sxm', 'h100-pcie', 'h200', 'a100', 'l4', 'tpu-v5e'],
      ...['a16-ane', 'a18-ane', 'm4-ane', 'h17-ane', 'cpu'],
      ...['a17-ane@brief', 'tpu-v4@brief', 'h100-sxm@brief'],
    ]);
    expect(['ane', 'tpu', 'h100'].map((a) => findTarget(a)?.id)).toEqual(['a17-ane', 'tpu-v4', 'h100-sxm']);
    expect(findTarget('abacus')).toBeUndefined();
  });

  it('refuses a name that is taken twice, as id or alias', () => {
    const [first, second] = TARGETS;
    expect(() => registry([first, first])).toThrow('"a17-ane"');
    expect(() => registry([first, { ...second, aliases: ['ane'] }])).toThrow('"ane"');
  });

  it.each(TARGETS.map((t) => [t.id, t] as const))(
    '%s obeys the schema that users’ files must obey',
    (_, t) => {
      expect(targetProblems(JSON.parse(JSON.stringify(t)))).toEqual([]);
    },
  );

  it.each([
    ['ane', 'int8', 35e12],
    ['ane', 'float16', 17.5e12],
    ['tpu', 'int8', 275e12],
    ['tpu', 'bfloat16', 275e12],
    ['h100', 'int8', 1978.9e12],
    ['h100', 'float16', 989.4e12],
  ])('%s: peak of %s is the sourced one, not the brief’s', (id, format, peak) => {
    expect(findTarget(id)?.peak[format].value).toBe(peak);
  });

  it.each([
    ['ane', false, 'int8'],
    ['tpu', false, 'int8'],
    ['h100', true, 'int8'],
    ['cpu', false, 'uint8'],
  ])('%s: activations symmetric %s in %s', (id, symmetric, format) => {
    expect(findTarget(id)?.activations).toMatchObject({ symmetric, format });
  });

  it('fits at most five constants a chip, and names figures that it has', () => {
    for (const target of TARGETS) {
      const fitted = target.fitted ?? [];
      expect(fitted.length).toBeLessThanOrEqual(5);
      for (const path of fitted)
        expect(path.split('.').reduce<unknown>((at, key) => (at as never)?.[key], target)).toMatchObject({
          unit: expect.any(String),
        });
    }
  });

  it('gives every figure a source and a date', () => {
    const facts: Fact[] = [];
    const walk = (value: unknown): void => {
      if (typeof value !== 'object' || value === null) return;
      if ('unit' in value) facts.push(value as Fact);
      else Object.values(value).forEach(walk);
    };
    TARGETS.forEach(walk);
    expect(facts.length).toBeGreaterThan(40);
    for (const f of facts) expect([f.source.length > 3, /^20\d\d-\d\d$/.test(f.date)]).toEqual([true, true]);
  });
});

describe('a user’s own target', () => {
  it('is taken as it is when it is right', () => {
    const own = broken('id', 'my-chip');
    expect(parseTarget(own, 'chip.json')).toBe(own);
    const cpu = copy('cpu');
    expect(parseTarget(cpu)).toBe(cpu);
  });

  it.each([
    ['memory.bandwidth.value', '51.2 GB/s', 'a number in bytes/s', '51200000000'],
    ['memory.bandwidth.value', -1, 'not negative', '51200000000'],
    ['memory.bandwidth.value', Number.NaN, 'a number in bytes/s', '51200000000'],
    ['memory.bandwidth.unit', 'GB/s', 'the unit "bytes/s"', '"bytes/s"'],
    ['memory.efficiency.value', 85, 'from 0 to 1', '0.8'],
    ['memory.bandwidth', undefined, 'a figure in bytes/s', '"unit":"bytes/s"'],
    ['peak.int8', 35e12, 'a figure in op/s', '"unit":"op/s"'],
    ['peak.int8.unit', 'TOPS', 'the unit "op/s"', '"op/s"'],
    ['peak.float16', undefined, 'a figure in op/s', '"unit":"op/s"'],
    ['power.operation.int8', undefined, 'a figure in pJ/op', '"unit":"pJ/op"'],
    ['power.peak.kind', 'guess', 'one of "vendor"', '"vendor"'],
    ['power.peak.date', '2024', 'a year and month', '"2026-01"'],
    ['overhead', undefined, 'since timing is "modelled"', ''],
    ['activations.symmetric', 'no', 'true or false', 'true'],
    ['activations.format', 'int9', 'one of "int8"', '"int8"'],
    ['integerOperators', 'Conv', 'a list of texts', '["Conv"'],
    ['id', 'My Chip', 'lower-case letters', '"my-chip"'],
    ['caveats', undefined, 'a list of texts', '[]'],
  ])('%s = %j: names the field, what is expected, an example', (path, value, expected, example) => {
    let thrown: unknown;
    try {
      parseTarget(broken(path, value), 'chip.json');
    } catch (error) {
      thrown = error;
    }
    expect(thrown).toBeInstanceOf(QuantizeError);
    const error = thrown as QuantizeError;
    expect([error.code, error.kind, error.where.file]).toEqual(['TARGET_INVALID', 'invalid', 'chip.json']);
    expect(error.message).toContain(`"${path}"`);
    expect(error.message).toContain(expected);
    expect(error.hint).toContain(example);
  });

  it.each([
    ['a misspelt field', broken('memory.bandwith', 1), '"memory.bandwith"'],
    ['a misspelt top-level field', broken('powr', {}), '"powr"'],
    ['an unknown part of a figure', broken('peak.int8.unti', 'op/s'), '"peak.int8.unti"'],
    ['a list', [], '"(the file)"'],
    ['null', null, '"(the file)"'],
    ['nothing', {}, '"id"'],
  ])('%s is an error that names it', (_, json, name) => {
    expect(() => parseTarget(json)).toThrow(name);
  });
});
