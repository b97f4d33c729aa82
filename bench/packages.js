// Which shared network becomes which chip's package, by which scheme, and why not where it does not: the tables of
// docs/packages.md. `node bench/packages.js [--target h100] [--scheme fp8-perchannel] [model] > table.md`; QUANTIZE_ZOO names the folder of models.
import { execFile } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { zipSync } from 'fflate';

const COMMAND = fileURLToPath(new URL('../bin/quantize.js', import.meta.url));
const ZOO = process.env.QUANTIZE_ZOO;
const FOLDERS = ['vision', 'detect', 'nlp', 'audio'];
/** What each chip loads; figures are of made-up samples, since nothing here is about accuracy. */
const JOBS = [
  { target: 'ane', scheme: 'int8-perchannel', file: 'q.mlpackage' },
  { target: 'tpu', scheme: 'int8-perchannel', file: 'q.savedmodel' },
  { target: 'h100', scheme: 'fp8-perchannel', file: 'q.onnx', lint: 'tensorrt' },
  { target: 'h100', scheme: 'int8-perchannel', file: 'q.onnx', lint: 'tensorrt' },
  { target: 'h100', scheme: 'int4-block128', file: 'q.onnx', lint: 'tensorrt' },
  { target: 'cpu', scheme: 'int8-perchannel', file: 'q.onnx', lint: 'onnxruntime', ort: true },
  { target: 'cpu', scheme: 'int4-block32', file: 'q.onnx', lint: 'onnxruntime', ort: true },
];
/** The voice detectors take one length of sound at one rate: what is made up by shapes alone they refuse. */
const SILERO = {
  input: ['<f4', [1, 576], new Float32Array(576).fill(0.1)],
  state: ['<f4', [2, 1, 128], new Float32Array(256)],
  sr: ['<i8', [], BigInt64Array.of(16_000n)],
};
const FAST = ['--effort', 'fast', '-m', 'minmax', '--limit', '2', '-f', 'json', '-q'];

const run = (...args) =>
  new Promise((done) => {
    execFile(process.execPath, [COMMAND, ...args], { maxBuffer: 2 ** 28 }, (error, stdout, stderr) =>
      done({ failed: error !== null, stdout, stderr }),
    );
  });

/** One .npz of a few arrays. */
function npz(arrays) {
  const entries = Object.entries(arrays).map(([name, [descr, shape, data]]) => {
    const comma = shape.length === 1 ? ',' : '';
    const text = `{'descr': '${descr}', 'fortran_order': False, 'shape': (${shape.join(', ')}${comma}), }`;
    const header = `${text.padEnd(Math.ceil((text.length + 11) / 64) * 64 - 11)}\n`;
    const head = Buffer.concat([
      Buffer.from([0x93, ...Buffer.from('NUMPY'), 1, 0, 0, 0]),
      Buffer.from(header),
    ]);
    head.writeUInt16LE(header.length, 8);
    return [`${name}.npy`, new Uint8Array(Buffer.concat([head, new Uint8Array(data.buffer)]))];
  });
  return zipSync(Object.fromEntries(entries));
}

/** Samples for models that cannot do with made-up ones. */
function samplesFor(model, folder) {
  if (!model.includes('silero')) return [];
  const file = join(folder, 'samples.npz');
  writeFileSync(file, npz(SILERO));
  return ['-c', file];
}

/** The first error as the command says it. */
const refusal = ({ stderr }) => /error ([A-Z_]+: .*)/.exec(stderr)?.[1].slice(0, 90) ?? 'failed';

async function cell(model, { target, scheme, file, lint, ort }, folder) {
  const output = join(folder, file);
  const samples = samplesFor(model, folder);
  const made = await run(model, '-t', target, '-s', scheme, '-o', output, ...samples, ...FAST);
  if (made.failed) return refusal(made);
  const report = JSON.parse(made.stdout);
  const bytes = report.package?.bytes ?? report.size.quantizedBytes;
  const notes = [`${(bytes / 1e6).toFixed(2)} MB`];
  if (lint) notes.push(await findings(output, lint));
  if (ort) {
    const converted = await run('export', output, '-o', join(folder, 'q.ort'), ...samples, ...FAST.slice(-3));
    notes.push(converted.failed ? refusal(converted) : agreement(JSON.parse(converted.stdout)));
  }
  rmSync(output, { recursive: true, force: true });
  return notes.filter(Boolean).join(', ');
}

async function findings(file, runtime) {
  const { stdout } = await run('lint', file, '--for', runtime, '-f', 'json');
  const { pairs, findings: all } = JSON.parse(stdout);
  return `${pairs} Q/DQ${all.length > 0 ? `, ${all.length} findings (${all[0].rule})` : ''}`;
}

const agreement = ({ roundTrip }) =>
  `.ort ${roundTrip.sqnrDb === null ? 'equal' : `${roundTrip.sqnrDb.toFixed(0)} dB`}`;

async function table(filter, { target, scheme }) {
  const jobs = JOBS.filter((job) => (target ?? job.target) === job.target).filter(
    (job) => (scheme ?? job.scheme) === job.scheme,
  );
  const head = jobs.map((j) => `${j.target} ${j.scheme}`);
  console.log(`| model | ${head.join(' | ')} |\n|---|${head.map(() => '---|').join('')}`);
  const folder = mkdtempSync(join(tmpdir(), 'quantize-packages-'));
  try {
    for (const kind of FOLDERS)
      for (const name of readdirSync(join(ZOO, 'models', kind)).filter((n) => n.endsWith('.onnx'))) {
        if (filter && !name.includes(filter)) continue;
        const cells = [];
        for (const job of jobs) cells.push(await cell(join(ZOO, 'models', kind, name), job, folder));
        console.log(`| ${name.replace(/\.onnx$/, '')} | ${cells.join(' | ')} |`);
      }
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

const { values, positionals } = parseArgs({
  options: { target: { type: 'string' }, scheme: { type: 'string' } },
  allowPositionals: true,
});
if (ZOO) await table(positionals[0], values);
else console.log('QUANTIZE_ZOO names no folder of models');
