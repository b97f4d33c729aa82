import { mkdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { PackedError } from '../errors.js';
import { writeAtomic } from '../onnx/index.js';
import { contentHash } from './inputs.js';
import type { BatchJob, JobResult } from './types.js';

/** What is known of a job that was done: its result, and the hash of the file that it left. */
interface Entry {
  schema: 'onnx-quantize/batch-entry@1';
  result: JobResult;
  /** sha256 of `result.output`. */
  output?: string;
}

/** Whether the same inputs bring a failure again; others (a full disk, a bug) are tried anew. */
export const isLasting = (error: PackedError): boolean =>
  error.code !== undefined && ['invalid', 'unsupported', 'gate'].includes(error.kind);

/** A folder of results by key. Entries are written last and atomically, and checked when read: what is damaged is not there. */
export class Store {
  constructor(private readonly folder: string) {
    mkdirSync(join(folder, 'jobs'), { recursive: true });
    mkdirSync(join(folder, 'statistics'), { recursive: true });
  }

  /** Where the statistics of a key are, or will be. */
  statistics(key: string): string {
    return join(this.folder, 'statistics', `${key}.stats`);
  }

  private entry(key: string): string {
    return join(this.folder, 'jobs', `${key}.json`);
  }

  /** What an earlier run made of a job, if its output is still what that run left. */
  async find(key: string, { id, options }: BatchJob): Promise<JobResult | undefined> {
    try {
      const { schema, result, output } = JSON.parse(readFileSync(this.entry(key), 'utf8')) as Entry;
      if (schema !== 'onnx-quantize/batch-entry@1') return undefined;
      if (result.id !== id || (result.output ?? options.output) !== options.output) return undefined;
      if (result.output && (await contentHash(result.output)) !== output) return undefined;
      return result;
    } catch {
      return undefined;
    }
  }

  async keep(key: string, result: JobResult): Promise<void> {
    if (result.error && !isLasting(result.error)) return;
    const output = result.output && (await contentHash(result.output));
    const entry: Entry = { schema: 'onnx-quantize/batch-entry@1', result, output };
    const file = this.entry(key);
    mkdirSync(dirname(file), { recursive: true });
    await writeAtomic(file, JSON.stringify(entry));
  }
}
