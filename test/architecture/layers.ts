import type { Import } from './imports.js';

interface Layer {
  /** Files whose path begins so. The first layer that matches a file is its layer. */
  files: string;
  /** Beginnings of paths that may be imported; a layer may always import itself. */
  values: string[];
  /** Beginnings of paths of which only types may be imported. */
  types?: string[];
  /** Packages, and modules of node. "*" means any module of node. */
  packages?: string[];
}

const BASE = ['src/errors.ts', 'src/ir/', 'kernels/', 'targets/'];
/** In the order of the flow: a stage may know the types of those before it. */
const STAGES = [
  'prepare',
  'equalize',
  'calibrate',
  'plan',
  'quantize',
  'emit',
  'lint',
  'integer',
  'verify',
  'sensitivity',
  'report',
];
/** The stages that must run a model. */
const RUN_MODELS = ['prepare', 'equalize', 'calibrate', 'quantize', 'integer', 'verify', 'sensitivity'];

/** Registries that belong to one stage and that a later one looks rows up in. */
const REGISTRIES: Record<string, string[]> = {
  plan: ['src/calibrate/methods/'],
  lint: ['src/plan/rules/tensorrt.ts'],
};

/** Stages that count with the figures of another. */
const FIGURES: Record<string, string[]> = { sensitivity: ['src/verify/'] };

/** Packages of other runtimes are protobuf messages too. */
const CODECS: Record<string, string[]> = { emit: ['src/protobuf/'] };

const PACKAGES: Record<string, string[]> = { report: ['vega'] };

const stage = (name: string, index: number): Layer => ({
  files: `src/${name}/`,
  values: [
    ...BASE,
    ...(REGISTRIES[name] ?? []),
    ...(FIGURES[name] ?? []),
    ...(CODECS[name] ?? []),
    ...(RUN_MODELS.includes(name) ? ['src/runtime/'] : []),
  ],
  types: ['src/data/types.ts', 'src/runtime/types.ts', ...STAGES.slice(0, index).map((s) => `src/${s}/`)],
  packages: ['node:*', ...(PACKAGES[name] ?? [])],
});

/** Who may import what. ARCHITECTURE.md says it in words; this is what is checked. */
export const LAYERS: readonly Layer[] = [
  // Finds and compiles the .wasm file that the build puts beside it; every other kernel does no I/O.
  { files: 'kernels/module.ts', values: ['kernels/'], packages: ['node:fs'] },
  { files: 'kernels/', values: [] },
  // Reads a user's own description, so what is wrong with it is a user's error.
  { files: 'targets/parse.ts', values: ['targets/', 'src/errors.ts'] },
  { files: 'targets/', values: [], types: ['kernels/'] },
  { files: 'src/errors.ts', values: [] },
  { files: 'src/ir/', values: ['src/errors.ts'] },
  { files: 'src/protobuf/', values: ['src/ir/', 'src/errors.ts'], packages: ['protobufjs'] },
  {
    files: 'src/onnx/',
    values: ['src/protobuf/', 'src/ir/', 'src/errors.ts'],
    packages: ['node:*'],
  },
  {
    files: 'src/runtime/',
    values: ['src/ir/', 'src/onnx/', 'src/errors.ts'],
    packages: ['onnxruntime-node', 'node:*'],
  },
  {
    files: 'src/data/',
    // TensorProto .pb samples are read by the codec.
    values: ['src/errors.ts', 'src/ir/', 'src/onnx/', 'src/runtime/', 'kernels/random.ts'],
    packages: ['sharp', 'yauzl', 'node:*'],
  },
  ...STAGES.map(stage),
  // A stage beside the flow: a training graph of a prepared model, and its runs.
  {
    files: 'src/train/',
    values: [...BASE, 'src/runtime/'],
    types: ['src/data/types.ts', 'src/runtime/types.ts', ...STAGES.map((s) => `src/${s}/`)],
    packages: ['node:*'],
  },
  // Times small layers and makes a chip of this machine.
  { files: 'src/benchmark/', values: [...BASE, 'src/runtime/', 'src/verify/'], packages: ['node:*'] },
  // Holds the cost model of the report against published measurements of published networks.
  { files: 'src/validation/', values: [...BASE, 'src/report/', 'fixtures/architectures/'] },
  {
    files: 'src/pipeline',
    values: [
      ...BASE,
      'src/onnx/',
      'src/data/',
      'src/runtime/',
      'src/benchmark/',
      'src/validation/',
      'src/train/',
      ...STAGES.map((s) => `src/${s}/`),
    ],
    packages: ['node:*'],
  },
  {
    // Jobs of the pipeline through a queue that many machines read.
    files: 'src/batch/queue/',
    values: ['src/batch/', 'src/errors.ts'],
    types: ['src/pipeline.ts'],
    packages: ['bullmq', 'ioredis', 'node:*'],
  },
  {
    // Jobs of the pipeline in processes of their own.
    files: 'src/batch/',
    values: ['src/pipeline.ts', 'src/errors.ts', 'src/ir/', 'src/onnx/'],
    types: ['src/report/types.ts'],
    packages: ['node:*'],
  },
  {
    files: 'src/cli/',
    values: [
      'src/errors.ts',
      'src/pipeline.ts',
      'src/batch/',
      // The registries, for help and listings, and the Markdown form of a report.
      'targets/index.ts',
      'kernels/formats.ts',
      'src/plan/scheme.ts',
      'src/plan/describe.ts',
      'src/emit/formats.ts',
      'src/lint/runtimes.ts',
      'src/lint/sarif-log.ts',
      'src/calibrate/methods/index.ts',
      'src/data/presets.ts',
      'src/train/augment/names.ts',
      'src/report/index.ts',
      'src/report/units.ts',
    ],
    types: ['targets/', 'kernels/', 'src/'],
    packages: ['commander', 'chalk', 'cli-table3', 'yaml', 'tinyglobby', 'picomatch', 'node:*'],
  },
  // Networks and pictures for tests and for the validation of the cost model.
  {
    files: 'fixtures/',
    values: ['src/errors.ts', 'src/ir/', 'src/onnx/', 'src/runtime/', 'kernels/random.ts'],
    packages: ['node:*'],
  },
  { files: 'src/index.ts', values: ['src/', 'kernels/', 'targets/'] },
];

/** Packages that exactly one file, or one folder, may know. */
export const SINGLE_IMPORTERS: Record<string, string> = {
  commander: 'src/cli/program.ts',
  vega: 'src/report/html/chart.ts',
  chalk: 'src/cli/render/terminal.ts',
  'cli-table3': 'src/cli/render/terminal.ts',
  'onnxruntime-node': 'src/runtime/',
  bullmq: 'src/batch/queue/',
  ioredis: 'src/batch/queue/',
};

/** What `file` imports that its layer does not allow, as sentences. */
export function breaches(file: string, imports: readonly Import[]): string[] {
  const layer = LAYERS.find((l) => file.startsWith(l.files));
  if (!layer) return [`${file} belongs to no layer`];
  return imports
    .filter((i) => !allowed(layer, i))
    .map((i) => `${file} may not import ${i.typeOnly ? 'types of ' : ''}${i.target}`);
}

const begins = (target: string, prefixes: readonly string[] = []): boolean =>
  prefixes.some((prefix) => target.startsWith(prefix));

function allowed(layer: Layer, { target, typeOnly }: Import): boolean {
  if (target.endsWith('.ts') || target.includes('/../'))
    return begins(target, [layer.files, ...layer.values]) || (typeOnly && begins(target, layer.types));
  if (typeOnly) return true;
  return (layer.packages ?? []).some((p) => (p === 'node:*' ? target.startsWith('node:') : p === target));
}
