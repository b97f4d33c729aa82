import { resolve } from 'node:path';
import { QUANTIZE } from '../command-table/quantize.js';
import { type OptionId, type Options, optionSpec } from '../options/index.js';
import type { Part } from './file.js';

/** Options of the main job that a batch sets itself, or that concern one terminal. */
const NOT_HERE: readonly OptionId[] = [
  ...([
    'target',
    'scheme',
    'output',
    'report',
    'html',
    'package',
    'savePlan',
    'format',
    'quiet',
    'verbose',
  ] as const),
  ...(['threads', 'memory', 'stats'] as const),
];

/** The options that a job may set, by the name that they have on the command line. */
export const SETTINGS: ReadonlyMap<string, OptionId> = new Map(
  QUANTIZE.options.filter((id) => !NOT_HERE.includes(id)).map((id) => [longFlag(id), id]),
);

function longFlag(id: OptionId): string {
  return /--([a-z-]+)/.exec(optionSpec(id).flags)![1];
}

/** What the main job takes where nothing is said. */
export const DEFAULTS = Object.fromEntries(
  QUANTIZE.options.map((id) => [id, QUANTIZE.overrides?.[id]?.default ?? optionSpec(id).default]),
) as unknown as Options;

/** Whether an option is a switch, without a value. */
export const isSwitch = (id: OptionId): boolean => !/[<[]/.test(optionSpec(id).flags);

/**
 * What a mapping of settings amounts to, parsed as the command line parses them. Paths are relative to `folder`.
 * @throws QuantizeError JOBS_INVALID with the line
 */
export function readSettings(fields: ReadonlyMap<string, Part>, folder: string): Partial<Options> {
  const settings: Record<string, unknown> = {};
  for (const [name, part] of fields) {
    const id = SETTINGS.get(name);
    if (id) settings[id] = isSwitch(id) ? readSwitch(name, part) : readValue(id, name, part, folder);
  }
  return settings as Partial<Options>;
}

function readSwitch(name: string, part: Part): true | undefined {
  if (typeof part.value === 'boolean') return part.value || undefined;
  throw part.error(`${name} must be true or false`);
}

function readValue(id: OptionId, name: string, part: Part, folder: string): unknown {
  const spec = optionSpec(id);
  let value: unknown;
  for (const item of part.oneOrMore(name)) {
    const text = textOf(name, item);
    if (spec.choices && !spec.choices.includes(text))
      throw item.error(`${name} must be one of ${spec.choices.join(', ')}`);
    const path = spec.path ? inFolder(text, folder) : text;
    value = spec.parse ? item.parsed(() => spec.parse!(path, value)) : path;
  }
  return value;
}

function textOf(name: string, part: Part): string {
  const { value } = part;
  if (typeof value === 'string' || typeof value === 'number') return String(value);
  throw part.error(`${name} must be text or a number`);
}

/** "photos/" or "image=photos/". */
function inFolder(path: string, folder: string): string {
  const [, input = '', rest = path] = /^([\w.:-]+=)(.*)$/.exec(path) ?? [];
  return input + resolve(folder, rest);
}
