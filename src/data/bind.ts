import { existsSync } from 'node:fs';
import { invalidError, nearestNames } from '../errors.js';
import type { ValueMeta } from '../runtime/types.js';
import { locate } from './locate.js';
import { list } from './readers/single.js';
import { openStdin } from './stdin.js';
import { concat, type Table, zip } from './table.js';
import type { SampleOptions } from './types.js';

/** Paths bound to one input each ("input=path"), and paths for all inputs. */
interface Bindings {
  bound: { input: ValueMeta; path: string }[];
  free: string[];
}

/**
 * Opens every path and joins them to one table with a value for every input.
 * @throws SAMPLE_INPUT (invalid) when a name is wrong or an input gets nothing
 */
export async function openTables(options: SampleOptions, inputs: ValueMeta[]): Promise<Table> {
  const { bound, free } = parse(options.from ?? [], inputs);
  if (bound.length > 0 && free.length > 0)
    throw invalidError('SAMPLE_INPUT', `"${free[0]}" does not say which input it is for`, {
      hint: `Write it as "input=path"; the inputs are ${list(inputs.map((i) => i.name))}.`,
    });
  if (bound.length === 0) return concat(await inTurn(free, (path) => openPath(path, inputs, options)));
  requireAll(bound, inputs);
  const parts = inputs.map((input) => ({
    input: input.name,
    paths: bound.filter((b) => b.input === input).map((b) => b.path),
    meta: input,
  }));
  return zip(
    await inTurn(parts, async ({ input, paths, meta }) => ({
      input,
      table: concat(await inTurn(paths, (path) => openPath(path, [meta], options))),
    })),
  );
}

async function inTurn<T, R>(items: T[], open: (item: T) => Promise<R>): Promise<R[]> {
  const results: R[] = [];
  for (const item of items) results.push(await open(item));
  return results;
}

function parse(from: string[], inputs: ValueMeta[]): Bindings {
  const result: Bindings = { bound: [], free: [] };
  for (const text of from) {
    // An input's name may itself contain "=", so the names are tried rather than the text split.
    const input = inputs.find(({ name }) => text.startsWith(`${name}=`));
    if (input) result.bound.push({ input, path: text.slice(input.name.length + 1) });
    else if (text.includes('=') && !existsSync(text)) throw unknownInput(text.split('=')[0], inputs);
    else result.free.push(text);
  }
  return result;
}

function requireAll(bound: Bindings['bound'], inputs: ValueMeta[]): void {
  const missing = inputs.filter((input) => !bound.some((b) => b.input === input)).map((i) => i.name);
  if (missing.length > 0)
    throw invalidError('SAMPLE_INPUT', `no samples are given for ${list(missing)}`, {
      where: { tensor: missing[0] },
      hint: `Add ${missing.map((name) => `"${name}=path"`).join(' ')}; one sample may serve all.`,
    });
}

const unknownInput = (name: string, inputs: ValueMeta[]) => {
  const names = inputs.map((input) => input.name);
  const near = nearestNames(name, names);
  return invalidError('SAMPLE_INPUT', `the model has no input "${name}"`, {
    hint: near.length > 0 ? `Did you mean ${list(near)}?` : `Its inputs are ${list(names)}.`,
  });
};

async function openPath(path: string, inputs: ValueMeta[], options: SampleOptions): Promise<Table> {
  const request = { inputs, options };
  if (path === '-') return openStdin(options.stdin ?? process.stdin, request);
  const { reader, files } = await locate(path);
  return reader.open(files, request);
}
