import { spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, expect } from 'vitest';
import { makeAttribute as a, makeNode } from '../../src/ir/graph.js';
import type { Model, Node, Tensor } from '../../src/ir/model.js';
import { encodeModel } from '../../src/onnx/index.js';
import { BIN } from '../cli/run.js';
import { npy, put } from '../data/files.js';
import { model, random, value } from '../prepare/helpers.js';

/** No attack may take longer, or more memory; a harmless job takes a second and 150 MB. Many run at once, so seconds are many. */
const MOST_SECONDS = 45;
const MOST_MEGABYTES = 600;

/** A folder with what a user has, and a temporary folder of its own, so that whatever is left anywhere is seen. */
export interface Scene {
  root: string;
  tmp: string;
  put(name: string, bytes: Uint8Array | string): string;
  /** Everything under the folder, temporary files included. */
  files(): string[];
}

const base = mkdtempSync(join(tmpdir(), 'hostile-'));
afterAll(() => rmSync(base, { recursive: true, force: true }));
const peak = put(
  base,
  'peak.mjs',
  `import { writeFileSync } from 'node:fs';
process.on('exit', () => writeFileSync(process.env.PEAK_FILE, String(process.resourceUsage().maxRSS)));`,
);
let scenes = 0;

/** Has net.onnx, which is fine, and samples.npy for it, unless other bytes are given. */
export function scene(net: Uint8Array | Model = network(), samples: Uint8Array = rows(3)): Scene {
  const top = join(base, `${scenes++}`);
  const [root, tmp] = [join(top, 'work'), join(top, 'tmp')];
  for (const folder of [root, tmp]) mkdirSync(folder, { recursive: true });
  put(root, 'net.onnx', net instanceof Uint8Array ? net : encodeModel(net));
  put(root, 'samples.npy', samples);
  const list = (folder: string) => readdirSync(folder, { recursive: true }).map(String);
  return {
    root,
    tmp,
    put: (name, bytes) => put(root, name, bytes),
    files: () => [...list(root).sort(), ...list(tmp).map((name) => `tmp/${name}`)],
  };
}

export const rows = (count: number, dims = [4, 6, 6]): Uint8Array =>
  npy([count, ...dims], random('x', [count, ...dims]).rawData!.slice());

/** Convolution, Relu, convolution on x [n, 4, 6, 6]; `nodes` come in front. */
export function network(nodes: Node[] = [], first = 'x'): Model {
  const pads = [a.ints('pads', [1, 1, 1, 1])];
  return model(
    {
      inputs: [value('x', ['n', 4, 6, 6])],
      outputs: [value('y', undefined)],
      initializers: [random('w1', [4, 4, 3, 3]), random('b1', [4]), random('w2', [2, 4, 3, 3])],
      nodes: [
        ...nodes,
        makeNode('Conv', [first, 'w1', 'b1'], ['c'], pads, { name: 'first' }),
        makeNode('Relu', ['c'], ['r'], [], { name: 'relu' }),
        makeNode('Conv', ['r', 'w2'], ['y'], pads, { name: 'second' }),
      ],
    },
    { opset: 13 },
  );
}

export interface Outcome {
  code: number | null;
  signal: NodeJS.Signals | null;
  stdout: string;
  stderr: string;
  seconds: number;
  /** Largest resident memory in MB; absent when the process did not end by itself. */
  megabytes?: number;
}

export interface RunOptions {
  /** Signals to send when a line of stderr begins with the key. */
  on?: { stage: string; signal: NodeJS.Signals };
  input?: Uint8Array;
  /** Shell commands in front: limits. */
  before?: string;
}

/** The real command in the scene's folder; killed when it takes too long. */
export function run({ root, tmp }: Scene, args: string[], options: RunOptions = {}): Promise<Outcome> {
  const peakFile = join(tmp, '..', 'peak');
  const command = [process.execPath, '--import', pathToFileURL(peak).href, BIN, ...args];
  const shell = ['bash', '-c', `${options.before} && exec "$@"`, 'bash', ...command];
  const [program, ...rest] = options.before ? shell : command;
  const started = performance.now();
  const child = spawn(program, rest, {
    cwd: root,
    env: { PATH: process.env.PATH, HOME: root, TMPDIR: tmp, PEAK_FILE: peakFile },
  });
  const late = setTimeout(() => child.kill('SIGKILL'), 1000 * MOST_SECONDS);
  const said = { stdout: '', stderr: '' };
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    said.stdout += text;
  });
  let sent = false;
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    said.stderr += text;
    const { on } = options;
    if (!on || sent || !said.stderr.split('\n').some((line) => line.startsWith(on.stage))) return;
    sent = child.kill(on.signal);
  });
  child.stdin.on('error', () => {});
  child.stdin.end(options.input ?? '');
  return new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (code, signal) => {
      clearTimeout(late);
      const seconds = (performance.now() - started) / 1000;
      resolve({ code, signal, ...said, seconds, megabytes: kilobytes(peakFile) });
    });
  });
}

function kilobytes(file: string): number | undefined {
  try {
    return Number(readFileSync(file, 'utf8')) / 1000;
  } catch {
    return undefined;
  }
}

/** In bounds, without a stack, without the name of a bug, whatever else happened. */
export function expectCivil(outcome: Outcome): void {
  const { stderr, stdout, seconds, megabytes = 0, signal } = outcome;
  expect(signal, stderr).toBeNull();
  expect(stderr).not.toMatch(/^\s+at .+:\d+/m);
  expect(stderr).not.toContain('this is a bug');
  expect(stdout).not.toMatch(/^\s+at .+:\d+/m);
  expect(seconds).toBeLessThan(MOST_SECONDS);
  expect(megabytes).toBeLessThan(MOST_MEGABYTES);
}

/** One error, well said, with its exit code; nothing on stdout, and the folder as it was. */
export function expectRefusal(
  outcome: Outcome,
  before: string[],
  place: Scene,
  exit: number,
  code: RegExp,
): void {
  expectCivil(outcome);
  const errors = outcome.stderr.split('\n').filter((line) => /^error /.test(line));
  expect(errors, outcome.stderr).toHaveLength(1);
  expect(errors[0]).toMatch(/^error [A-Z][A-Z0-9_]+: \S/);
  expect(/^error (\w+)/.exec(errors[0])![1]).toMatch(code);
  expect(outcome.code, outcome.stderr).toBe(exit);
  expect(outcome.stdout).toBe('');
  expect(place.files()).toEqual(before);
}

export interface Attack {
  name: string;
  make: () => Scene;
  /** Arguments behind `net.onnx`; by default the samples and the output. */
  args?: string[];
  exit: number;
  code: RegExp;
  /** What the error must also say. */
  says?: RegExp;
  options?: RunOptions;
}

export const AS_IT_COMES = ['-c', 'samples.npy', '-o', 'out.onnx', '--threads', '1'];
/** Without the steps that lose less, which try much and take long: attacks are on all that comes before and after. */
export const USUAL = [...AS_IT_COMES, '--effort', 'fast'];

export async function attack({ make, args = USUAL, exit, code, says, options }: Attack): Promise<void> {
  const place = make();
  const before = place.files();
  const outcome = await run(place, ['net.onnx', ...args], options);
  expectRefusal(outcome, before, place, exit, code);
  if (says) expect(outcome.stderr).toMatch(says);
}

/** A good network with changes made to it. */
export const changed = (edit: (net: Model) => void): Model => {
  const net = network();
  edit(net);
  return net;
};
/** A good network with nodes in front, the last of which makes `first`. */
export const inFront = (nodes: Node[], constants: Tensor[] = [], first = 'd'): Model => {
  const net = network(nodes, first);
  net.graph.initializers.push(...constants);
  return net;
};

/** The usual job with its output elsewhere. */
export const to = (output: string, ...more: string[]): string[] => [
  '-c',
  'samples.npy',
  '-o',
  output,
  ...more,
];
