import { realpathSync, type Stats, statSync } from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import { usageError } from '../../errors.js';

/**
 * Refuses, before any work, to write over the model that was given (by another path or through a link too) or to
 * write two things into one file. "-" and devices take anything.
 * @throws QuantizeError OUTPUT_IS_INPUT, OUTPUT_TWICE (usage)
 */
export function refuseOverwriting(model: string, outputs: readonly (string | undefined)[]): void {
  const input = model === '-' ? undefined : realPath(model);
  const taken = new Set<string>();
  for (const output of outputs) {
    if (output === undefined || output === '-' || isDevice(output)) continue;
    const path = realPath(output);
    if (path === input)
      throw usageError('OUTPUT_IS_INPUT', `${output} is the input model; the output must be another file`);
    if (taken.has(path)) throw usageError('OUTPUT_TWICE', `two results cannot both be written to ${output}`);
    taken.add(path);
  }
}

/** What lies at a path; undefined when nothing does, or nothing can, as below a file. */
export function entryAt(path: string): Stats | undefined {
  try {
    return statSync(path);
  } catch {
    return undefined;
  }
}

const isDevice = (path: string): boolean => {
  const found = entryAt(path);
  return found !== undefined && !found.isFile() && !found.isDirectory();
};

/** Where a path leads, links followed; of a file that does not exist yet, where it would be. */
function realPath(path: string): string {
  try {
    return realpathSync(path);
  } catch {
    const folder = dirname(resolve(path));
    return folder === resolve(path) ? folder : join(realPath(folder), basename(path));
  }
}
