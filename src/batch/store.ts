import { mkdirSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { PackedError } from '../errors.js';
import { writeAtomic } from '../onnx/index.js';
import { contentHash } from './inputs.js';
import type { BatchJob, JobResult } from './types.js';

const SCHEMA = 'onnx-quantize/batch-entry@1';

/** What is known of a job that was done: its result, and the hash of the file that it left. */
interface Entry {
  schema: typeof SCHEMA;
  result: JobResult;
  /** sha256 of `result.output`. */
  output?: string;
}

/** Whether the same inputs bring a failure again; others (a full disk, a bug) are tried anew. */
export const isLasting = (error: PackedError): boolean =>
  error.code !== undefined && ['invalid', 'unsupported', 'gate'].includes(error.kind);

function resultIn(file: string): JobResult | undefined {
  try {
    const { schema, result } = JSON.parse(readFileSync(file, 'utf8')) as Entry;
    return schema === SCHEMA ? result : undefined;
  } catch {
    return undefined;
  }
}

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
      if (schema !== SCHEMA) return undefined;
      if (result.id !== id || (result.output ?? options.output) !== options.output) return undefined;
      if (result.output && (await contentHash(result.output)) !== output) return undefined;
      return result;
    } catch {
      return undefined;
    }
  }

  /** How each job ended when it was last done from whatever inputs, by its id. */
  latest(): Map<string, JobResult> {
    const entries = readdirSync(join(this.folder, 'jobs')).flatMap((name) => {
      const file = join(this.folder, 'jobs', name);
      const result = resultIn(file);
      return result ? [{ result, at: statSync(file).mtimeMs }] : [];
    });
    entries.sort((a, b) => a.at - b.at);
    return new Map(entries.map(({ result }) => [result.id, result]));
  }

  async keep(key: string, result: JobResult): Promise<void> {
    if (result.error && !isLasting(result.error)) return;
    const output = result.output && (await contentHash(result.output));
    const entry: Entry = { schema: SCHEMA, result, output };
    const file = this.entry(key);
    mkdirSync(dirname(file), { recursive: true });
    await writeAtomic(file, JSON.stringify(entry));
  }
}
