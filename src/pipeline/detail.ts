import { createRequire } from 'node:module';
import { arch, platform } from 'node:os';
import type { DetailedReport, Provenance } from '../report/details.js';
import type { Report } from '../report/types.js';
import { runtimeVersion } from '../runtime/index.js';
import { dashed, type JobOptions } from './options.js';

/** A report, and on demand what only its page shows: that reads every weight, and may run the models again. */
export interface Reported {
  report: Report;
  detail(): Promise<DetailedReport>;
}

/** Options that change what a report says, under their names on the command line. */
const TOLD: readonly (keyof JobOptions)[] = [
  'target',
  'scheme',
  'method',
  'effort',
  'calibration',
  'evaluation',
  'labels',
  'stats',
  'preset',
  'limit',
  'seed',
  'symmetric',
  'keepFloat',
  'batch',
  'sequence',
  'price',
  'battery',
];

export function provenance(options: JobOptions): Provenance {
  const { version } = createRequire(import.meta.url)('../../../package.json') as { version: string };
  const given: [string, string][] = TOLD.flatMap((name) => {
    const value = options[name];
    return value === undefined ? [] : [[dashed(name), String(value)]];
  });
  const dims = Object.entries(options.dims ?? {}).map(([name, size]): [string, string] => [
    'dim',
    `${name}=${size}`,
  ]);
  return {
    tool: `onnx-quantize ${version}`,
    versions: { node: process.versions.node, 'onnxruntime-node': runtimeVersion() },
    platform: `${platform()} ${arch()}`,
    options: Object.fromEntries([...given, ...dims]),
  };
}
