import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { JobOptions, Pipeline } from '../../src/cli/engine.js';
import { runProgram } from '../../src/cli/program.js';
import type { Shell } from '../../src/cli/shell.js';
import { gateError } from '../../src/errors.js';

let folder: string;
const here = process.cwd();
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'cli-'));
  process.chdir(folder);
  writeFileSync('net.onnx', 'a model');
});
afterEach(() => {
  process.chdir(here);
  rmSync(folder, { recursive: true });
});

const REPORT = {
  schema: 'onnx-quantize/report@1',
  model: { name: 'net.onnx', sha256: '', opset: 13, nodes: 1, parameters: 1 },
  target: { id: 'cpu', name: 'CPU' },
  scheme: 'int8-perchannel',
  method: 'mse',
  calibration: { kind: 'real', source: 's', samples: 1 },
  size: { floatBytes: 4, quantizedBytes: 1, ratio: 4 },
  macs: 1,
  coverage: { parameters: 1, macs: 1 },
  float: {
    latencyMs: { value: 1, unit: 'ms', kind: 'measured' },
    throughput: { value: 1, unit: '1/s', kind: 'measured' },
  },
  quantized: {
    latencyMs: { value: 1, unit: 'ms', kind: 'measured' },
    throughput: { value: 1, unit: '1/s', kind: 'measured' },
  },
  layers: [],
  leftInFloat: [],
  caveats: [],
};
const PLAN = {
  schema: 'onnx-quantize/plan@1',
  weights: [],
  activations: [],
  integer: [],
  float: [],
  biases: [],
};

/** Runs a command line against a pipeline that remembers its job and writes what it was asked for. */
async function run(args: string[], input: string[] = [], work?: (job: JobOptions) => void) {
  const seen: { job?: JobOptions; model?: string } = {};
  const out: string[] = [];
  const err: string[] = [];
  const remember = async (job: JobOptions) => {
    seen.job = job;
    if (existsSync(job.model)) seen.model = readFileSync(job.model, 'utf8');
    work?.(job);
    if (job.output) writeFileSync(job.output, 'quantized');
    return { plan: PLAN, report: REPORT, files: [job.output], diagnostics: [] };
  };
  const pipeline = {
    quantize: remember,
    apply: (_plan: string, job: JobOptions) => remember(job),
    plan: async (job: JobOptions) => (await remember({ ...job })).plan,
    reportOn: remember,
  } as unknown as Pipeline;
  const sink = (lines: string[]) => ({
    write(chunk: string | Uint8Array, done?: () => void) {
      lines.push(String(typeof chunk === 'string' ? chunk : Buffer.from(chunk)));
      done?.();
    },
  });
  const shell: Shell = {
    stdin: (async function* () {
      yield* input.map((text) => Buffer.from(text));
    })(),
    stdout: sink(out),
    stderr: sink(err),
    env: {},
    signal: new AbortController().signal,
    pipeline: async () => pipeline,
  };
  let error: unknown;
  await runProgram(args, '0.0.0', shell).catch((thrown) => {
    error = thrown;
  });
  return { ...seen, stdout: out.join(''), stderr: err.join(''), error };
}

describe('options become a job', () => {
  it.each<[args: string[], job: Partial<JobOptions>]>([
    [[], { model: 'net.onnx', target: 'cpu', scheme: 'int8-perchannel', method: 'mse' }],
    [
      ['-t', 'ane', '-s', 'int8-perlayer', '-m', 'minmax'],
      { target: 'ane', scheme: 'int8-perlayer', method: 'minmax' },
    ],
    [['-c', 'a', '-c', 'b', '-e', 'c'], { calibration: ['a', 'b'], evaluation: ['c'] }],
    [['--keep-float', 'Softmax', '--keep-float', '/^head/'], { keepFloat: ['Softmax', '/^head/'] }],
    [['--dim', 'batch=1', '--dim', 'a=b=7'], { dims: { batch: 1, 'a=b': 7 } }],
    [['--mean', '127.5', '--std', '1,2,3'], { preprocess: { mean: 127.5, std: [1, 2, 3] } }],
    [['--size', '224,192', '--crop', '0.875'], { preprocess: { size: [224, 192], cropFraction: 0.875 } }],
    [['--preset', 'pm1'], { preset: 'pm1', preprocess: {} }],
    [['--memory', '400M'], { memory: 400 * 2 ** 20 }],
    [['--memory', '1.5g'], { memory: 1.5 * 2 ** 30 }],
    [['--symmetric'], { symmetric: true }],
    [['--no-symmetric'], { symmetric: false }],
    [
      ['--keep', '--min-sqnr', '-3', '--max-accuracy-drop', '0.5'],
      { keep: true, minSqnr: -3, maxAccuracyDrop: 0.5 },
    ],
    [['-o', 'out.onnx'], { output: 'out.onnx' }],
  ])('%j', async (args, expected) => {
    const { job, error } = await run(['net.onnx', ...args]);
    expect(error).toBeUndefined();
    expect(job).toMatchObject(expected);
  });

  it('leaves what was not asked for undefined, so that the stages decide', async () => {
    const { job } = await run(['net.onnx']);
    for (const key of ['symmetric', 'calibration', 'limit', 'threads', 'dims', 'keep'] as const)
      expect(job?.[key]).toBeUndefined();
  });
});

describe('outputs', () => {
  it('are named after model, chip and scheme, in the current folder', async () => {
    const { stderr } = await run(['net.onnx', '-t', 'ane']);
    expect(readdirSync('.').sort()).toEqual(['net.ane.int8-perchannel.onnx', 'net.onnx']);
    expect(stderr).toContain('wrote net.ane.int8-perchannel.onnx\n');
  });

  it('include report and plan where asked', async () => {
    await run(['net.onnx', '-o', 'q.onnx', '--report', 'r.json', '--save-plan', 'p.json', '-q']);
    expect(readdirSync('.').sort()).toEqual(['net.onnx', 'p.json', 'q.onnx', 'r.json']);
    expect(JSON.parse(readFileSync('r.json', 'utf8'))).toEqual(REPORT);
    expect(JSON.parse(readFileSync('p.json', 'utf8'))).toEqual(PLAN);
  });

  it('go to stdout with -o -, and the report then to stderr', async () => {
    const { stdout, stderr } = await run(['net.onnx', '-o', '-']);
    expect(stdout).toBe('quantized');
    expect(stderr).toContain('FP32');
    expect(readdirSync('.')).toEqual(['net.onnx']);
  });

  it('are JSON alone on stdout with --format json', async () => {
    const { stdout } = await run(['net.onnx', '-f', 'json']);
    expect(JSON.parse(stdout)).toEqual(REPORT);
  });

  it('do not appear when the job fails', async () => {
    const { error, stdout } = await run(
      ['net.onnx', '--report', 'r.json', '--save-plan', 'p.json'],
      [],
      () => {
        throw gateError('ACCURACY_DROP', 'too much');
      },
    );
    expect(error).toMatchObject({ code: 'ACCURACY_DROP' });
    expect({ stdout, files: readdirSync('.') }).toEqual({ stdout: '', files: ['net.onnx'] });
  });

  it.each([
    ['--report', 'no/such/folder/r.json'],
    ['--save-plan', 'no/such/folder/p.json'],
  ])('%s into a folder that does not exist is refused before the work', async (flag, file) => {
    const { error, job } = await run(['net.onnx', flag, file]);
    expect(error).toMatchObject({ code: 'NO_FOLDER', where: { file } });
    expect(job).toBeUndefined();
  });
});

describe('a model from stdin', () => {
  it('is spooled to a private file, which is gone afterwards; the result goes to stdout', async () => {
    const { model, job, stdout } = await run(['-'], ['first ', 'second']);
    expect(model).toBe('first second');
    expect(existsSync(job!.model)).toBe(false);
    expect(stdout).toBe('quantized');
  });

  it('leaves nothing behind when the job fails', async () => {
    const { job } = await run(['-'], ['x'], () => {
      throw gateError('X', 'x');
    });
    expect(existsSync(job!.model)).toBe(false);
  });
});

describe('plan', () => {
  it('writes the file and prints the decisions', async () => {
    const { stdout, stderr } = await run(['plan', 'net.onnx', '-o', 'p.json']);
    expect(JSON.parse(readFileSync('p.json', 'utf8'))).toEqual(PLAN);
    expect(stdout).not.toBe('');
    expect(stderr).toContain('wrote p.json');
  });

  it('is JSON on stdout with -o -', async () => {
    expect(JSON.parse((await run(['plan', 'net.onnx', '-o', '-'])).stdout)).toEqual(PLAN);
  });
});

describe('apply', () => {
  it('names its output after the plan', async () => {
    writeFileSync('p.json', JSON.stringify({ target: 'tpu', scheme: 'int8-perlayer' }));
    await run(['apply', 'p.json', 'net.onnx', '-q']);
    expect(readdirSync('.')).toContain('net.tpu.int8-perlayer.onnx');
  });
});
