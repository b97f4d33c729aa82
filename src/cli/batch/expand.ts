import { basename, dirname, isAbsolute, join, relative, resolve } from 'node:path';
import picomatch from 'picomatch';
import { globSync, isDynamicPattern } from 'tinyglobby';
import { findTarget } from '../../../targets/index.js';
import type { BatchJob, Budget } from '../../batch/types.js';
import { parseScheme } from '../../plan/scheme.js';
import { plainOptions } from '../job.js';
import type { Options } from '../options/index.js';
import { bytes, whole } from '../options/parse.js';
import { type Part, readJobsFile } from './file.js';
import { DEFAULTS, readSettings, SETTINGS } from './settings.js';

/** What a jobs file says. */
export interface Batch {
  jobs: BatchJob[];
  cache: string;
  budget: Partial<Budget>;
}

const TOP = ['models', 'targets', 'schemes', 'defaults', 'include', 'exclude', 'output', 'cache', 'budget'];
const CELL = ['model', 'target', 'scheme'];
const DEFAULT_OUTPUT = 'quantized/{model}.{target}.{scheme}.onnx';

/** One combination of the matrix. */
interface Cell {
  /** Absolute path. */
  model: string;
  target: string;
  scheme: string;
  settings: Partial<Options>;
  part: Part;
}

/**
 * Reads a jobs file: models × targets × schemes, less `exclude`, plus `include`. Paths are relative to the file.
 * @throws QuantizeError JOBS_UNREADABLE, JOBS_SYNTAX, JOBS_INVALID (invalid), with the line
 */
export function readBatch(file: string): Batch {
  const top = readJobsFile(file);
  const folder = dirname(resolve(file));
  const fields = top.fields('the jobs file', TOP);
  const excluded = (fields.get('exclude')?.list('exclude') ?? []).map((part) => matcher(part, folder));
  const cells = [
    ...matrix(top, fields, folder).filter((cell) => !excluded.some((matches) => matches(cell))),
    ...(fields.get('include')?.list('include') ?? []).flatMap((part) => included(part, folder)),
  ];
  if (cells.length === 0) throw top.error('there is nothing to do: no models are left');
  const defaults = readDefaults(fields, folder);
  const pattern = outputPattern(fields.get('output'), folder);
  const called = labels(cells, folder);
  const jobs = cells.map((cell) => jobOf(cell, called.get(cell.model)!, defaults, pattern, folder));
  refuseDoubles(jobs, cells);
  const cache = resolve(
    folder,
    fields.get('cache')?.text('cache') ?? join(dirname(`${pattern.split('{')[0]}x`), '.quantize'),
  );
  return { jobs, cache, budget: readBudget(fields.get('budget')) };
}

function matrix(top: Part, fields: Map<string, Part>, folder: string): Cell[] {
  const models = fields.get('models');
  if (!models && !fields.has('include')) throw top.error('"models" is missing');
  const targets = names(fields.get('targets'), 'targets', DEFAULTS.target, checkTarget);
  const schemes = names(fields.get('schemes'), 'schemes', DEFAULTS.scheme, checkScheme);
  return (models?.oneOrMore('models') ?? []).flatMap((part) =>
    modelsOf(part, folder).flatMap(({ model, settings }) =>
      targets.flatMap((target) => schemes.map((scheme) => ({ model, target, scheme, settings, part }))),
    ),
  );
}

/** A path or pattern, or a mapping with `model` and settings of its own. */
function modelsOf(part: Part, folder: string): { model: string; settings: Partial<Options> }[] {
  const fields = part.isMap
    ? part.fields('a model', ['model', ...SETTINGS.keys()])
    : new Map([['model', part]]);
  const path = fields.get('model');
  if (!path) throw part.error('"model" is missing');
  const settings = readSettings(fields, folder);
  const found = files(path.text('model'), folder);
  if (found.length === 0) throw path.error(`no file matches "${path.value}"`);
  return found.map((model) => ({ model, settings }));
}

function files(pattern: string, folder: string): string[] {
  if (!isDynamicPattern(pattern)) return [resolve(folder, pattern)];
  const found = globSync(pattern, { cwd: folder, absolute: true, expandDirectories: false });
  return found.sort();
}

function included(part: Part, folder: string): Cell[] {
  const fields = part.fields('an entry of include', [...CELL, ...SETTINGS.keys()]);
  const target = names(fields.get('target'), 'target', DEFAULTS.target, checkTarget);
  const scheme = names(fields.get('scheme'), 'scheme', DEFAULTS.scheme, checkScheme);
  const own = new Map([...fields].filter(([name]) => name !== 'target' && name !== 'scheme'));
  const path = own.get('model');
  if (!path) throw part.error('"model" is missing');
  const settings = readSettings(own, folder);
  return files(path.text('model'), folder).flatMap((model) =>
    target.flatMap((t) => scheme.map((s) => ({ model, target: t, scheme: s, settings, part }))),
  );
}

/** Whether a cell matches an entry of `exclude`: each field that is there must, as a pattern. */
function matcher(part: Part, folder: string): (cell: Cell) => boolean {
  const fields = part.fields('an entry of exclude', CELL);
  const tests = [...fields].map(([name, value]) => {
    const matches = value.oneOrMore(name).map((item) => picomatch(item.text(name)));
    const any = (text: string) => matches.some((match) => match(text));
    return (cell: Cell): boolean => {
      if (name === 'target') return any(cell.target);
      if (name === 'scheme') return any(cell.scheme);
      return any(relative(folder, cell.model)) || any(basename(cell.model)) || any(stem(cell.model));
    };
  });
  return (cell) => tests.every((test) => test(cell));
}

function names(
  part: Part | undefined,
  what: string,
  otherwise: string,
  check: (name: string, part: Part) => void,
): string[] {
  const list = part?.oneOrMore(what).map((item) => {
    const name = item.text(what);
    check(name, item);
    return name;
  });
  return list?.length ? list : [otherwise];
}

const checkTarget = (name: string, part: Part): void => {
  if (!findTarget(name) && !name.endsWith('.json'))
    throw part.error(`unknown target "${name}"`, '`quantize targets` lists them');
};

const checkScheme = (name: string, part: Part): void => {
  part.parsed(() => parseScheme(name));
};

function readDefaults(fields: Map<string, Part>, folder: string): Partial<Options> {
  const part = fields.get('defaults');
  return part ? readSettings(part.fields('defaults', [...SETTINGS.keys()]), folder) : {};
}

/** A pattern with {model}, {target} and {scheme}, or a folder. */
function outputPattern(part: Part | undefined, folder: string): string {
  const text = part?.text('output') ?? DEFAULT_OUTPUT;
  const pattern = text.includes('{') ? text : join(text, basename(DEFAULT_OUTPUT));
  return isAbsolute(pattern) ? pattern : join(folder, pattern);
}

const stem = (model: string): string => basename(model).replace(/\.onnx$/i, '');
const targetName = (target: string): string => basename(target).replace(/\.json$/i, '');

function jobOf(
  cell: Cell,
  label: string,
  defaults: Partial<Options>,
  pattern: string,
  folder: string,
): BatchJob {
  const { model, scheme } = cell;
  const target = cell.target.endsWith('.json') ? resolve(folder, cell.target) : cell.target;
  const options = { ...DEFAULTS, ...defaults, ...cell.settings, target, scheme };
  const words: Record<string, string> = { model: stem(model), target: targetName(target), scheme };
  const output = pattern.replace(/\{(\w+)\}/g, (whole, word) => words[word] ?? whole);
  const { onProgress: _p, onDiagnostic: _d, signal: _s, ...plain } = plainOptions(model, options);
  return { id: `${label} ${targetName(target)} ${scheme}`, options: { ...plain, output } };
}

/** What models are called in results: by their names, or by their paths where two have one name. */
function labels(cells: readonly Cell[], folder: string): Map<string, string> {
  const models = [...new Set(cells.map((cell) => cell.model))];
  const same = (model: string) => models.filter((other) => stem(other) === stem(model)).length > 1;
  return new Map(models.map((model) => [model, same(model) ? relative(folder, model) : stem(model)]));
}

function refuseDoubles(jobs: readonly BatchJob[], cells: readonly Cell[]): void {
  const outputs = new Map<string, BatchJob>();
  jobs.forEach((job, i) => {
    const other = outputs.get(job.options.output);
    if (other)
      throw cells[i].part.error(
        `"${job.id}" and "${other.id}" would both write ${job.options.output}`,
        'put {model}, {target} and {scheme} into "output", or exclude one of them',
      );
    outputs.set(job.options.output, job);
  });
}

function readBudget(part: Part | undefined): Partial<Budget> {
  const fields = part?.fields('budget', ['memory', 'threads']);
  const memory = fields?.get('memory');
  const threads = fields?.get('threads');
  return {
    ...(memory && { memory: memory.parsed(() => bytes(String(memory.value))) }),
    ...(threads && { threads: threads.parsed(() => whole('threads', 1)(String(threads.value))) }),
  };
}
