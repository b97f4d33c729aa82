import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { importsOf, loadedBy, read, sources, withoutComments } from './architecture/imports.js';
import { breaches, SINGLE_IMPORTERS } from './architecture/layers.js';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
/** AssemblyScript is compiled apart and imports nothing of ours. */
const FILES = ['src', 'kernels', 'targets', 'fixtures']
  .flatMap((folder) => sources(ROOT, folder))
  .filter((file) => !file.startsWith('kernels/assembly/'));
const MAX_LINES = 300;

const importsIn = (file: string) => importsOf(file, read(ROOT, file), ROOT);

describe('layers', () => {
  it('finds the sources', () => expect(FILES.length).toBeGreaterThan(20));

  it('are respected by every import', () => {
    expect(FILES.flatMap((file) => breaches(file, importsIn(file)))).toEqual([]);
  });

  it.each(Object.entries(SINGLE_IMPORTERS))('%s is known to %s only', (name, owner) => {
    const importers = FILES.filter((file) => importsIn(file).some((i) => i.target === name));
    expect(importers.length).toBeGreaterThan(0);
    expect(importers.filter((file) => !file.startsWith(owner))).toEqual([]);
  });
});

/** The check must be able to fail: what would be planted, and what it says. */
describe('a planted breach is caught', () => {
  const cases: [what: string, file: string, text: string, said: string[]][] = [
    [
      'kernel with I/O',
      'kernels/x.ts',
      "import { readFileSync } from 'node:fs';",
      ['kernels/x.ts may not import node:fs'],
    ],
    [
      'kernel that knows the graph',
      'kernels/x.ts',
      "import { isOp } from '../src/ir/graph.js';",
      ['kernels/x.ts may not import src/ir/graph.ts'],
    ],
    [
      'target with code of kernels',
      'targets/x.ts',
      "import { format } from '../kernels/formats.js';",
      ['targets/x.ts may not import kernels/formats.ts'],
    ],
    [
      'target with types of kernels',
      'targets/x.ts',
      "import type { FormatId } from '../kernels/formats.js';",
      [],
    ],
    [
      'stage that calls another',
      'src/emit/x.ts',
      "import { makePlan } from '../plan/index.js';",
      ['src/emit/x.ts may not import src/plan/index.ts'],
    ],
    [
      'stage with types of an earlier one',
      'src/emit/x.ts',
      "import { type Plan, type Scheme } from '../plan/types.js';",
      [],
    ],
    [
      'stage with types of a later one',
      'src/plan/x.ts',
      "import type { Report } from '../report/types.js';",
      ['src/plan/x.ts may not import types of src/report/types.ts'],
    ],
    [
      'mixed import counts as code',
      'src/emit/x.ts',
      "import { type Plan, parseScheme } from '../plan/index.js';",
      ['src/emit/x.ts may not import src/plan/index.ts'],
    ],
    [
      'stage that runs a model without need',
      'src/plan/x.ts',
      "const { openSession } = await import('../runtime/index.js');",
      ['src/plan/x.ts may not import src/runtime/index.ts'],
    ],
    [
      're-export',
      'src/ir/x.ts',
      "export * from '../onnx/index.js';",
      ['src/ir/x.ts may not import src/onnx/index.ts'],
    ],
    [
      'bare import',
      'src/ir/x.ts',
      "import '../onnx/index.js';",
      ['src/ir/x.ts may not import src/onnx/index.ts'],
    ],
    [
      'import over lines',
      'src/ir/x.ts',
      "import {\n  decodeModel,\n  encodeModel,\n} from '../onnx/index.js';",
      ['src/ir/x.ts may not import src/onnx/index.ts'],
    ],
    [
      'package that is not the layer’s',
      'src/onnx/x.ts',
      "import chalk from 'chalk';",
      ['src/onnx/x.ts may not import chalk'],
    ],
    [
      'command line that reaches behind the pipeline',
      'src/cli/x.ts',
      "import { loadModel } from '../onnx/index.js';",
      ['src/cli/x.ts may not import src/onnx/index.ts'],
    ],
    ['folder without a layer', 'src/helpers/x.ts', '', ['src/helpers/x.ts belongs to no layer']],
    [
      'comment that speaks of an import',
      'kernels/x.ts',
      "// import fs from 'node:fs'\n/* import 'chalk' */",
      [],
    ],
  ];
  it.each(cases)('%s', (_what, file, text, said) => {
    expect(breaches(file, importsOf(file, text, ROOT))).toEqual(said);
  });
});

describe('starting', () => {
  const packages = (entry: string) =>
    loadedBy(entry, ROOT).filter((name) => !name.endsWith('.ts') && !name.startsWith('node:'));

  it('the command line loads commander and nothing else', () =>
    expect(packages('src/cli/main.ts')).toEqual(['commander']));

  it('the registries, for help, load no package', () =>
    expect(packages('src/cli/registries.ts')).toEqual([]));

  it.each(['src/onnx/', 'src/runtime/', 'src/pipeline'])('neither loads %s', (folder) => {
    const loaded = [...loadedBy('src/cli/main.ts', ROOT), ...loadedBy('src/cli/registries.ts', ROOT)];
    expect(loaded.filter((file) => file.startsWith(folder))).toEqual([]);
  });

  it('the check sees what a command loads', () =>
    expect(packages('src/cli/render/terminal.ts')).toEqual(['chalk', 'cli-table3']));
});

describe('habits', () => {
  /** Programs of their own: the fixtures' script, and what a batch runs jobs in. */
  const PROGRAMS = ['fixtures/architectures.ts', 'src/batch/process.ts'];
  const outside = FILES.filter((file) => !file.startsWith('src/cli/') && !PROGRAMS.includes(file));

  it.each([
    ['console', /\bconsole\s*\./],
    ['process.exit', /\bprocess\s*\.\s*exit\b/],
    ['process.stdout', /\bprocess\s*\.\s*(stdout|stderr)\b/],
  ])('%s appears only in the command line', (_name, pattern) => {
    expect(outside.filter((file) => pattern.test(withoutComments(read(ROOT, file))))).toEqual([]);
  });

  it(`no file is longer than ${MAX_LINES} lines`, () => {
    const long = FILES.filter((file) => read(ROOT, file).split('\n').length > MAX_LINES);
    expect(long).toEqual([]);
  });
});
