import { readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { describe, expect, it } from 'vitest';
import { makeNode } from '../../src/ir/graph.js';
import { int64Tensor } from '../../src/ir/tensor.js';
import { REPORT_SCHEMA } from '../../src/report/index.js';
import { expectRefusal, inFront, network, rows, run, scene, to } from './harness.js';

const ANE = ['--target', 'ane', '--threads', '1'];

describe('a package', () => {
  it('is the same from run to run, and replaces itself', async () => {
    const place = scene();
    const job = ['net.onnx', ...to('out.mlpackage'), ...ANE];
    const read = () =>
      place
        .files()
        .filter((f) => /\.(json|mlmodel|bin)$/.test(f))
        .map((f) => [f, readFileSync(join(place.root, f)).toString('base64')]);
    const made: unknown[] = [];
    for (const _ of [1, 2]) {
      expect((await run(place, job)).code).toBe(0);
      made.push(read());
    }
    expect(made[0]).toHaveLength(3);
    expect(made[1]).toEqual(made[0]);
    expect(place.files().filter((f) => f.includes('quantize'))).toEqual([]);
  });

  it.each([
    ['on a disk without room', [], { before: 'ulimit -f 1' }, 2, /OUTPUT_WRITE/],
    ['that a gate refuses', ['--fail-on-fallback', '1', '--io', 'fp16'], {}, 5, /FALLBACK_GATE/],
    ['with another ending', ['--package', 'out.zip'], {}, 2, /UNKNOWN_FORMAT/],
    ['asked for twice', ['--package', 'other.mlpackage'], {}, 2, /OUTPUT_TWICE/],
    ['for another iOS', ['--ios', '16'], {}, 2, /OPTION_VALUE/],
  ] as const)('%s leaves nothing', async (_, more, options, exit, code) => {
    // A cumulative sum is none of the Neural Engine's operations.
    const gated = code.source === 'FALLBACK_GATE';
    const net = gated
      ? inFront([makeNode('CumSum', ['x', 'axis'], ['d'])], [int64Tensor('axis', [], [1])])
      : network();
    const place = scene(net, rows(3));
    const before = place.files();
    const outcome = await run(
      place,
      ['net.onnx', ...to(more.includes('out.zip' as never) ? 'out.onnx' : 'out.mlpackage'), ...ANE, ...more],
      options,
    );
    expectRefusal(outcome, before, place, exit, code);
  });

  it('killed while it is made leaves nothing that looks like one', async () => {
    const place = scene();
    const job = ['net.onnx', ...to('out.mlpackage'), ...ANE];
    const outcome = await run(place, job, { on: { stage: 'package', signal: 'SIGKILL' } });
    expect(outcome.signal).toBe('SIGKILL');
    expect(place.files().filter((f) => f.startsWith('out'))).toEqual([]);
    expect((await run(place, job)).code).toBe(0);
  });
});

it('the report of a job that wrote one fits its schema', async () => {
  const place = scene();
  const outcome = await run(place, ['net.onnx', ...to('q.mlpackage'), ...ANE, '-f', 'json']);
  const validate = new Ajv2020({ allErrors: true, allowUnionTypes: true }).compile(REPORT_SCHEMA);
  expect(validate(JSON.parse(outcome.stdout)) || validate.errors).toBe(true);
  expect(JSON.parse(outcome.stdout).package.file).toBe('q.mlpackage');
});

describe('export', () => {
  it.each(['x.mlpackage', 'x.savedmodel', 'x.ort'])('to %s prints what the schema says', async (out) => {
    const place = scene();
    const outcome = await run(place, ['export', 'net.onnx', '-o', out, '-f', 'json']);
    const $defs = REPORT_SCHEMA.$defs as Record<string, object>;
    const schema = { ...$defs.package, $defs };
    const validate = new Ajv2020({ allErrors: true, allowUnionTypes: true }).compile(schema);
    expect(validate(JSON.parse(outcome.stdout)) || validate.errors, outcome.stderr).toBe(true);
  });

  it('packs what an earlier job wrote', async () => {
    const place = scene();
    expect((await run(place, ['net.onnx', ...to('q.onnx'), ...ANE])).code).toBe(0);
    const outcome = await run(place, [
      'export',
      'q.onnx',
      '--to',
      'mlpackage',
      '-o',
      'q.mlpackage',
      '-f',
      'json',
    ]);
    expect(outcome.code, outcome.stderr).toBe(0);
    const report = JSON.parse(outcome.stdout);
    const sizes = Object.entries<number>(report.files);
    for (const [file, bytes] of sizes)
      expect(statSync(join(place.root, 'q.mlpackage', file)).size, file).toBe(bytes);
    expect(sizes.reduce((sum, [, bytes]) => sum + bytes, 0)).toBe(report.bytes);
    expect(report).toMatchObject({
      schema: 'onnx-quantize/package@1',
      file: 'q.mlpackage',
      int8Macs: 1,
      fallbacks: [],
    });
  });

  it.each([
    [['export', 'net.onnx'], 2, /EXPORT_OUTPUT/],
    [['export', 'net.onnx', '-o', 'x.bin'], 2, /UNKNOWN_FORMAT/],
    [['export', 'net.onnx', '--to', 'mlpackag', '-o', 'x'], 2, /UNKNOWN_FORMAT/],
    [['export', 'net.onnx', '-o', 'nowhere/x.mlpackage'], 2, /OUTPUT_WRITE/],
  ])('%j is refused', async (args, exit, code) => {
    const place = scene();
    const before = place.files();
    expectRefusal(await run(place, args), before, place, exit, code);
  });
});
