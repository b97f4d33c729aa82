import { createHash } from 'node:crypto';
import { createReadStream, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { allTensors } from '../ir/tensors.js';
import { loadModel } from '../onnx/index.js';
import { dataFiles } from '../pipeline.js';
import type { PlainOptions } from './types.js';

/** Options that change how a job is done, not what comes out. */
const NO_MATTER = ['threads', 'memory', 'output', 'sharedStats', 'keep'] as const;

/** Hashes of files and folders, each read once a batch. */
export class Inputs {
  private readonly known = new Map<string, Promise<string>>();

  constructor(private readonly version: string) {}

  /** Names a result by everything that it depends on: contents of files, options, version of this tool. */
  async key(options: PlainOptions, more: object = {}): Promise<string> {
    const { model, ...rest } = options;
    for (const name of NO_MATTER) delete (rest as Record<string, unknown>)[name];
    const { calibration, evaluation, labels, ...settings } = rest;
    const data = await Promise.all(dataFiles(options).map((path) => this.content(path)));
    const parts = { version: this.version, model: await this.model(model), data, settings, ...more };
    return createHash('sha256').update(JSON.stringify(parts)).digest('hex');
  }

  /** The model's file and its external data. */
  private async model(file: string): Promise<string[]> {
    const { model } = loadModel(file);
    const external = [...allTensors(model)].flatMap((t) => (t.external ? [t.external.file] : []));
    return Promise.all([file, ...new Set(external)].map((path) => this.content(path)));
  }

  content(path: string): Promise<string> {
    const known = this.known.get(path) ?? contentHash(path);
    this.known.set(path, known);
    return known;
  }
}

/** sha256 of a file, or of the names and contents in a folder. */
export async function contentHash(path: string): Promise<string> {
  const hash = createHash('sha256');
  if (statSync(path).isDirectory())
    for (const name of readdirSync(path).sort()) {
      hash.update(JSON.stringify(name)).update(await contentHash(join(path, name)));
    }
  else await pipeline(createReadStream(path), hash, { end: false });
  return hash.digest('hex');
}
