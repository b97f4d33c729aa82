import { spawn } from 'node:child_process';
import {
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { BIN, quantize as command, ROOT, type RunOptions } from './run.js';

/** The trained network of fixtures/, whose samples and labels lie beside it. */
const MODEL = join(ROOT, 'fixtures/shapes.onnx');
const SAMPLES = join(ROOT, 'fixtures/shapes.calibration');
const EVALUATION = join(ROOT, 'fixtures/shapes.evaluation');
const NAME = 'shapes.ane.int8-perchannel.onnx';
/** Few samples and no steps: most of these tests are about the command, not about accuracy. */
const TRIED = ['-c', SAMPLES, '-e', SAMPLES, '--limit', '8'];
const FEW = [...TRIED, '--effort', 'fast'];

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'main-job-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

const quantize = (args: string[], options: RunOptions = {}) => command(args, { cwd: folder, ...options });
const files = () => readdirSync(folder).sort();
const bytes = (file: string) => readFileSync(join(folder, file));

describe('quantize <model>', () => {
  it('needs nothing but the model: samples and labels are found beside it', async () => {
    const { code, stdout, stderr } = await quantize([
      MODEL,
      '--target',
      'ane',
      '--scheme',
      'int8-perchannel',
    ]);
    expect(code).toBe(0);
    expect(files()).toEqual([NAME]);
    expect(stderr).toContain(`wrote ${NAME}\n`);
    expect(stderr).not.toContain('warning');
    for (const said of ['Apple A17 Pro', 'top-1 accuracy', '1000 evaluation samples', 'modelled ±'])
      expect(stdout).toContain(said);
  });

  it.each(['ane', 'tpu', 'h100', 'cpu'])('reports for %s as JSON', async (target) => {
    const { code, stdout } = await quantize([MODEL, '-t', target, '-f', 'json', '-q', ...FEW]);
    expect(code).toBe(0);
    const report = JSON.parse(stdout);
    expect(report).toMatchObject({ schema: 'onnx-quantize/report@1', scheme: 'int8-perchannel' });
    expect(report.quantized.latencyMs.kind).toBe(target === 'cpu' ? 'measured' : 'modelled');
    expect(report.size.ratio).toBeGreaterThan(2);
  });

  it('writes the same bytes again, and from stdin to stdout', async () => {
    await quantize([MODEL, '-o', 'a.onnx', '-q', ...TRIED]);
    await quantize([MODEL, '-o', 'b.onnx', '-q', ...TRIED]);
    expect(bytes('a.onnx').equals(bytes('b.onnx'))).toBe(true);
    const child = spawn(process.execPath, [BIN, '-', '-q', ...TRIED], { cwd: folder });
    child.stdin.end(readFileSync(MODEL));
    const chunks: Buffer[] = [];
    for await (const chunk of child.stdout) chunks.push(chunk);
    expect(Buffer.concat(chunks).equals(bytes('a.onnx'))).toBe(true);
  });

  it('says loudly that synthetic samples prove nothing', async () => {
    copyFileSync(MODEL, join(folder, 'alone.onnx'));
    const { code, stdout, stderr } = await quantize(['alone.onnx', '-q']);
    expect(code).toBe(0);
    expect(stderr).toContain('warning SYNTHETIC_CALIBRATION');
    expect(stdout).toContain('synthetic calibration: no evidence about accuracy');
  });

  it('writes report and plan beside the model that was asked for', async () => {
    const extras = ['--report', 'r.md', '--save-plan', 'p.json'];
    const { code } = await quantize([MODEL, '-o', 'q.onnx', ...extras, ...FEW]);
    expect({ code, files: files() }).toEqual({ code: 0, files: ['p.json', 'q.onnx', 'r.md'] });
    expect(bytes('r.md').toString()).toMatch(/^#+ .*int8-perchannel/);
    expect(JSON.parse(bytes('p.json').toString())).toMatchObject({ schema: 'onnx-quantize/plan@1' });
  });
});

describe('gates', () => {
  const gate = ['--min-sqnr', '300'];

  it('that fail leave nothing and exit with 5', async () => {
    const { code, stdout, stderr } = await quantize([MODEL, ...gate, '--report', 'r.json', ...FEW]);
    expect({ code, stdout, files: files() }).toEqual({ code: 5, stdout: '', files: [] });
    expect(stderr).toMatch(/error SQNR_GATE: .*300/);
  });

  it('that fail with --keep write the model, print the report, and still exit with 5', async () => {
    const { code, stdout, stderr } = await quantize([MODEL, '-o', 'q.onnx', ...gate, '--keep', ...FEW]);
    expect({ code, files: files() }).toEqual({ code: 5, files: ['q.onnx'] });
    expect(stdout).toContain('SQNR');
    expect(stderr).toContain('error SQNR_GATE');
  });

  it('that pass say nothing', async () => {
    const passing = ['--min-sqnr', '10', '--max-accuracy-drop', '1.5'];
    expect(await quantize([MODEL, '-e', EVALUATION, ...passing, '-q'])).toMatchObject({
      code: 0,
      stderr: '',
    });
  });
});

/** What is wrong, the command line, its exit code and the code of its error. */
const REFUSED: [what: string, args: string[], exit: number, code: RegExp, said: string][] = [
  ['no such model', ['none.onnx'], 3, /MODEL_UNREADABLE/, 'none.onnx'],
  ['a folder as model', ['.'], 3, /MODEL_\w+/, ''],
  ['text as model', ['text.onnx'], 3, /MODEL_\w+|NOT_\w+/, 'text.onnx'],
  ['a model that is cut short', ['short.onnx'], 3, /MODEL_TRUNCATED/, 'byte'],
  ['an unknown target', [MODEL, '-t', 'h10'], 2, /UNKNOWN_TARGET/, 'h100'],
  ['a target file that is none', [MODEL, '-t', 'text.json'], 3, /TARGET_INVALID/, 'text.json'],
  ['an unknown scheme', [MODEL, '-s', 'int8-perchanel'], 2, /UNKNOWN_SCHEME/, 'int8-perchannel'],
  ['an unknown method', [MODEL, '-m', 'entrpy'], 2, /UNKNOWN_METHOD/, 'entropy'],
  ['an unknown preset', [MODEL, '-c', SAMPLES, '--preset', 'imagenet'], 2, /PREPROCESS/, '"imagenet"'],
  ['an unknown layer', [MODEL, '--keep-float', 'block.ad', ...FEW], 2, /UNKNOWN_LAYER/, 'block.add'],
  ['samples that are not there', [MODEL, '-c', 'nowhere'], 3, /SAMPLES_NOT_FOUND/, 'nowhere'],
  ['an empty folder of samples', [MODEL, '-c', 'empty'], 3, /SAMPLES_EMPTY/, 'empty'],
  ['labels that are not there', [MODEL, '-e', SAMPLES, '-l', 'nowhere'], 3, /LABELS?_\w+/, 'nowhere'],
  ['a plan that is none', ['apply', 'text.json', MODEL], 3, /PLAN_INVALID/, 'quantize apply plan.json'],
  ['statistics that are none', [MODEL, '--stats', 'text.json'], 3, /STAT\w+/, 'text.json'],
  ['an output folder that is not there', [MODEL, '-o', 'no/q.onnx'], 3, /NO_FOLDER/, 'no/q.onnx'],
];

describe('what cannot be done is refused with its cause', () => {
  it.each(REFUSED)('%s', async (_what, args, exit, code, said) => {
    writeFileSync(join(folder, 'text.onnx'), 'this is not a model');
    writeFileSync(join(folder, 'text.json'), '{"this is": "not what was expected"}');
    writeFileSync(join(folder, 'short.onnx'), readFileSync(MODEL).subarray(0, 100_000));
    mkdirSync(join(folder, 'empty'));
    const before = files();
    const outcome = await quantize([...args, '-q']);
    expect({ code: outcome.code, stdout: outcome.stdout }).toEqual({ code: exit, stdout: '' });
    expect(outcome.stderr).toMatch(new RegExp(`^error (?:${code.source}): `));
    expect(outcome.stderr).toContain(said);
    expect(outcome.stderr).not.toMatch(/\n\s+at /);
    expect(files()).toEqual(before);
  });

  it('a model that is quantized already', async () => {
    await quantize([MODEL, '-o', 'q.onnx', '-q', ...FEW]);
    const { code, stderr } = await quantize(['q.onnx', '-q', ...FEW]);
    expect(code).toBe(4);
    expect(stderr).toContain('error ALREADY_QUANTIZED');
  });
});

describe('an interruption', () => {
  it.each([
    ['SIGINT', 'load'],
    ['SIGINT', 'prepare'],
    ['SIGINT', 'calibrate'],
    ['SIGINT', 'verify'],
    ['SIGTERM', 'calibrate'],
  ] as const)('by %s in stage %s leaves nothing and exits with 130', async (signal, stage) => {
    const child = spawn(process.execPath, [BIN, MODEL], { cwd: folder, stdio: ['ignore', 'pipe', 'pipe'] });
    let stdout = '';
    let stderr = '';
    child.stdout.on('data', (text) => {
      stdout += text;
    });
    child.stderr.on('data', (text) => {
      stderr += text;
      if (String(text).includes(stage)) child.kill(signal);
    });
    const code = await new Promise((resolve) => child.on('close', resolve));
    expect({ code, stdout, files: files() }).toEqual({ code: 130, stdout: '', files: [] });
    expect(stderr).toContain('interrupted');
  });
});

describe('the other commands', () => {
  it.each([
    ['inspect', [MODEL], 'onnx-quantize/inspection@1', 'Conv'],
    ['report', [MODEL, '-t', 'tpu'], 'onnx-quantize/report@1', 'TPU'],
    ['plan', [MODEL, ...FEW.slice(0, 2), '--limit', '8'], 'onnx-quantize/plan@1', 'scale'],
    ['compare', [MODEL, MODEL, '-e', SAMPLES, '--limit', '4'], 'onnx-quantize/comparison@1', 'equal'],
  ])('%s prints a table, JSON and Markdown', async (name, args, schema, said) => {
    const json = await quantize([name, ...args, '-f', 'json']);
    expect(JSON.parse(json.stdout)).toMatchObject({ schema });
    for (const format of ['table', 'markdown']) {
      const { code, stdout } = await quantize([name, ...args, '-f', format]);
      expect({ code, said: stdout.includes(said) }).toEqual({ code: 0, said: true });
    }
    expect(files()).toEqual([]);
  });

  it('inspect --formats surveys the weights, and draws them', async () => {
    const args = ['inspect', MODEL, '--formats', '--rounding'];
    const { code, stdout, stderr } = await quantize([...args, '--svg', 'f.svg', '-v']);
    expect({ code, files: files() }).toEqual({ code: 0, files: ['f.svg'] });
    expect(stderr).toContain('wrote f.svg\n');
    for (const said of ['nvfp4', 'SQNR in dB of each weight', 'stochastic', '█'])
      expect(stdout).toContain(said);
    expect(bytes('f.svg').toString()).toMatch(/^<svg .*<\/svg>\n$/s);
    const rounding = await quantize(['inspect', MODEL, '--rounding', '-f', 'markdown']);
    expect(rounding.stdout).toContain('| int8-perchannel | floor | -0.4');
    const alone = await quantize(['inspect', MODEL, '--svg', 'g.svg']);
    expect(alone.code).toBe(2);
    expect(alone.stderr).toContain('error SVG_WITHOUT_FORMATS');
  });

  it('compare --integer computes the quantized model as a chip does', async () => {
    await quantize([MODEL, '-t', 'ane', '-q', ...FEW]);
    const args = ['compare', MODEL, NAME, '-e', SAMPLES, '--limit', '2', '--integer'];
    const { integer } = JSON.parse((await quantize([...args, '-f', 'json'])).stdout);
    expect(integer).toMatchObject({ samples: 2, outputs: [{ output: 'logits' }] });
    expect(integer.layers.map((l: { opType: string }) => l.opType)).toContain('Conv');
    for (const format of ['table', 'markdown']) {
      const { code, stdout } = await quantize([...args, '-f', format]);
      expect(code).toBe(0);
      expect(stdout).toContain('the integer path against onnxruntime on 2 samples');
      expect(stdout).toMatch(/the widest accumulator that the data reached takes \d\d bits/);
    }
    const float = await quantize(['compare', MODEL, MODEL, '-e', SAMPLES, '--limit', '2', '--integer']);
    expect(float.code).toBe(4);
    expect(float.stderr).toContain('error NO_INTEGER_LAYERS');
  });

  it('plan and apply do what the main job does', async () => {
    await quantize([MODEL, '-t', 'ane', '-q', ...TRIED]);
    await quantize(['plan', MODEL, '-t', 'ane', '-o', 'p.json', ...TRIED.slice(0, 2), '--limit', '8']);
    const { code } = await quantize(['apply', 'p.json', MODEL, '-o', 'applied.onnx', ...TRIED]);
    expect(code).toBe(0);
    expect(bytes('applied.onnx').equals(bytes(NAME))).toBe(true);
    // The plan carries what equalisation did, or the bytes could not be the same.
    expect(JSON.parse(bytes('p.json').toString()).equalization).not.toHaveLength(0);
  });

  it('shards of a calibration merge to what one run gives', async () => {
    const calibrate = (args: string[]) =>
      quantize(['calibrate', MODEL, ...FEW.slice(0, 2), '--limit', '9', ...args]);
    await calibrate(['-o', 'whole.stats']);
    await calibrate(['-o', 'a.stats', '--shard', '0/2']);
    await calibrate(['-o', 'b.stats', '--shard', '1/2']);
    expect((await quantize(['merge', 'b.stats', 'a.stats', '-o', 'merged.stats'])).code).toBe(0);
    expect(bytes('merged.stats').equals(bytes('whole.stats'))).toBe(true);
    await quantize([MODEL, '--stats', 'whole.stats', '-o', 'a.onnx', '-q', ...FEW]);
    await quantize([MODEL, '--stats', 'merged.stats', '-o', 'b.onnx', '-q', ...FEW]);
    expect(bytes('a.onnx').equals(bytes('b.onnx'))).toBe(true);
  });
});
