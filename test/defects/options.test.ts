// Numbers in the names are the rows of the list of defects of onnxruntime 1.30's own Python tool.
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import type { JobOptions, Pipeline } from '../../src/cli/engine.js';
import { runProgram } from '../../src/cli/program.js';
import type { Shell } from '../../src/cli/shell.js';
import { makeNode } from '../../src/ir/graph.js';
import { apply, plan, quantize } from '../../src/pipeline.js';
import type { Plan } from '../../src/plan/types.js';
import { codeOf, folder } from '../data/files.js';
import { conv, network } from '../plan/cases.js';
import { type Files, files, options, rows } from './job.js';

const root = folder();
const net = network({
  nodes: [conv('x', 'w1', 'stem'), makeNode('Relu', ['stem'], ['relu']), conv('relu', 'w2', 'head')],
  outputs: ['head'],
});
let paths: Files;
beforeAll(async () => {
  paths = await files(root, net, rows(3, [4, 6, 6]));
});

/** The job that a command line amounts to; a path that no test needs to exist. */
async function jobOf(...args: string[]): Promise<JobOptions> {
  let job: JobOptions | undefined;
  const sink = { write: () => true };
  const shell: Shell = {
    stdin: (async function* () {})(),
    stdout: sink,
    stderr: sink,
    env: {},
    signal: new AbortController().signal,
    pipeline: async () =>
      ({
        plan: async (options: JobOptions) => {
          job = options;
          return { weights: [], activations: [], integer: [], float: [], biases: [] };
        },
      }) as unknown as Pipeline,
  };
  await runProgram(['plan', paths.model, ...args], '0', shell);
  return job!;
}

describe('9: names to keep in float that match nothing', () => {
  it.each([
    ['hed', /nearest: head/],
    ['Conf', /nearest: Conv/],
    ['/^tail/', /./],
    ['conv', /nearest: Conv/],
    ['LSTM', /./],
  ])('%s is an error with what is near', async (name, hint) => {
    await expect(quantize(options(paths, { keepFloat: ['stem', name] }))).rejects.toMatchObject({
      code: 'UNKNOWN_LAYER',
      kind: 'usage',
      message: expect.stringContaining(name),
      hint: expect.stringMatching(hint),
    });
    expect(existsSync(paths.output)).toBe(false);
  });

  it.each([
    ['a name', 'head', ['head']],
    ['an operator type', 'Conv', ['stem', 'head']],
    ['a pattern', '/^he/', ['head']],
  ])('%s keeps what it names', async (_, name, kept) => {
    const { float } = await plan(options(paths, { keepFloat: [name] }));
    expect(float.filter((f) => f.reason === 'kept in float as asked').map((f) => f.node)).toEqual(kept);
  });

  it('a pattern that is none', async () => {
    expect(await codeOf(() => plan(options(paths, { keepFloat: ['/(/'] })))).toBe('BAD_PATTERN');
  });
});

describe('12: values arrive with their types', () => {
  it('from the command line', async () => {
    const job = await jobOf(
      ...[
        '--limit',
        '7',
        '--seed',
        '0',
        '--threads',
        '2',
        '--memory',
        '1.5M',
        '--dim',
        'n=4',
        '--dim',
        'h=8',
      ],
      ...['--mean', '0.5,0.4,0.3', '--std', '2', '--size', '32,48', '--crop', '.875', '--keep-float', 'Conv'],
    );
    expect(job).toMatchObject({
      limit: 7,
      seed: 0,
      threads: 2,
      memory: 1.5 * 2 ** 20,
      dims: { n: 4, h: 8 },
      preprocess: { mean: [0.5, 0.4, 0.3], std: 2, size: [32, 48], cropFraction: 0.875 },
      keepFloat: ['Conv'],
    });
  });

  it.each([
    ['--limit', '1.5'],
    ['--limit', '0x10'],
    ['--limit', '-1'],
    ['--seed', ''],
    ['--threads', 'two'],
    ['--memory', 'lots'],
    ['--dim', 'n='],
    ['--dim', '=4'],
    ['--mean', '1,,2'],
    ['--size', '32'],
    ['--crop', 'NaN'],
  ])('%s %j is an error that says what was expected', async (flag, text) => {
    await expect(jobOf(flag, text)).rejects.toMatchObject({
      code: 'OPTION_VALUE',
      kind: 'usage',
      message: expect.stringMatching(`${flag} expects .*"${text}"`),
    });
  });

  const edited = async (edit: (decided: Plan) => void): Promise<string> => {
    const decided = await plan(options(paths));
    edit(decided);
    const file = join(paths.root, 'plan.json');
    writeFileSync(file, JSON.stringify(decided));
    return file;
  };

  it('an edited plan means what it says: one field can change alone', async () => {
    const file = await edited((p) => {
      p.activations[0].scale *= 2;
      p.weights[0].format = 'uint8';
    });
    const before = JSON.parse(readFileSync(file, 'utf8'));
    const { plan: obeyed, files: written } = await apply(
      file,
      options(paths, { output: join(paths.root, 'applied.onnx') }),
    );
    expect(JSON.parse(JSON.stringify(obeyed))).toEqual(before);
    expect(written).toHaveLength(1);
  });

  it.each<[string, (decided: Plan) => void]>([
    ['a format that is none', (p) => Object.assign(p.weights[0], { format: 'QInt8' })],
    ['a scale as text', (p) => Object.assign(p.activations[0], { scale: '0.5' })],
    ['a scale of zero', (p) => Object.assign(p.activations[0], { scale: 0 })],
    ['a fractional zero point', (p) => Object.assign(p.activations[0], { zeroPoint: 0.5 })],
    ['a flag as text', (p) => Object.assign(p.weights[0], { symmetric: 'False' })],
    ['a node that is not there', (p) => Object.assign(p.weights[0].uses[0], { node: 'nowhere' })],
    ['a tensor that is not there', (p) => Object.assign(p.weights[0], { tensor: 'nothing' })],
    ['an activation that is not there', (p) => Object.assign(p.activations[0], { tensor: 'nothing' })],
    ['an axis that is not there', (p) => Object.assign(p.weights[0], { axis: 9 })],
    ['a zero point outside its format', (p) => Object.assign(p.activations[0], { zeroPoint: 1000 })],
    ['a target that is none', (p) => Object.assign(p, { target: 'abacus' })],
    ['a format of other bits', (p) => Object.assign(p.activations[0], { format: 'int32' })],
    ['a missing list', (p) => Object.assign(p, { biases: undefined })],
    [
      'a bias without its weight',
      (p) =>
        p.biases.push({ ...p.weights[0], node: 'stem', input: 2, tensor: 'b', activation: 'x', weight: 'v' }),
    ],
  ])('a plan with %s is refused as such', async (_, edit) => {
    const file = await edited(edit);
    const output = join(paths.root, 'refused.onnx');
    expect(await codeOf(() => apply(file, options(paths, { output })))).toMatch(/^(PLAN_|UNKNOWN_TARGET)/);
    expect(existsSync(output)).toBe(false);
  });
});

describe('13: switches', () => {
  it.each([
    [[], undefined],
    [['--symmetric'], true],
    [['--no-symmetric'], false],
    [['--symmetric', '--no-symmetric'], false],
  ])('%j', async (args, symmetric) => {
    expect((await jobOf(...args)).symmetric).toBe(symmetric);
  });

  it.each([
    [['--symmetric', 'False'], 'EXCESS_ARGUMENTS'],
    [['--symmetric=False'], 'UNKNOWN_OPTION'],
    [['--quiet=0'], 'UNKNOWN_OPTION'],
  ])('%j takes no value, and says so', async (args, code) => {
    expect(await codeOf(() => jobOf(...args))).toBe(code);
  });

  it('reach the plan', async () => {
    for (const [target, symmetric] of [
      ['cpu', true],
      ['ane', false],
      ['ane', true],
    ] as const) {
      const { activations } = await plan(options(paths, { target, symmetric }));
      const zero = activations.every((p) => p.zeroPoint === (p.format === 'uint8' ? 128 : 0));
      expect(zero, `${target} ${symmetric}`).toBe(symmetric);
    }
  });
});
