import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Ajv2020 as Ajv } from 'ajv/dist/2020.js';
import { afterAll, describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { readBatch } from '../../src/cli/batch/expand.js';
import { jobsSchema } from '../../src/cli/batch/schema.js';

const folder = mkdtempSync(join(tmpdir(), 'quantize-test-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
for (const name of ['a.onnx', 'b.onnx', 'deep/a.onnx']) {
  mkdirSync(join(folder, 'deep'), { recursive: true });
  writeFileSync(join(folder, name), '');
}

const file = join(folder, 'jobs.yaml');
const read = (text: string) => {
  writeFileSync(file, text);
  return readBatch(file);
};
const ids = (text: string) => read(text).jobs.map((job) => job.id);
const validate = new Ajv({ strict: false }).compile(jobsSchema());

describe('a jobs file', () => {
  it.each([
    ['one model', 'models: a.onnx', ['a cpu int8-perchannel']],
    [
      'a matrix',
      'models: [a.onnx, b.onnx]\ntargets: [ane, tpu]',
      ['a ane int8-perchannel', 'a tpu int8-perchannel', 'b ane int8-perchannel', 'b tpu int8-perchannel'],
    ],
    [
      'JSON',
      '{"models": ["*.onnx"], "schemes": "int8-perlayer"}',
      ['a cpu int8-perlayer', 'b cpu int8-perlayer'],
    ],
    [
      'two models of one name',
      'models: ["**/a.onnx"]\noutput: out/{model}-{scheme}\nexclude: [{model: deep/*}]\ninclude: [{model: b.onnx, target: ane}]',
      ['a cpu int8-perchannel', 'b ane int8-perchannel'],
    ],
    [
      'exclusion by every field of an entry',
      'models: "*.onnx"\ntargets: [ane, cpu]\nexclude: [{model: a, target: ane}, {model: b.onnx, target: c*}]',
      ['a cpu int8-perchannel', 'b ane int8-perchannel'],
    ],
  ])('lists %s', (_, text, expected) => {
    expect(ids(text)).toEqual(expected);
    expect(validate(parse(text)), JSON.stringify(validate.errors)).toBe(true);
  });

  it('lets a model’s settings win over the defaults, with paths relative to the file', () => {
    const { jobs } = read(`
defaults: {calibration: samples, min-sqnr: 20, keep-float: [Softmax, /^head/]}
models:
  - {model: a.onnx, min-sqnr: 30, preset: imagenet-torch}
  - b.onnx`);
    expect(jobs.map((job) => job.options)).toMatchObject([
      { calibration: [join(folder, 'samples')], minSqnr: 30, preset: 'imagenet-torch' },
      { calibration: [join(folder, 'samples')], minSqnr: 20, keepFloat: ['Softmax', '/^head/'] },
    ]);
    expect(jobs[0].options.output).toBe(join(folder, 'quantized/a.cpu.int8-perchannel.onnx'));
  });

  it.each([
    ['model: a.onnx', 'line 1: the jobs file has no field "model"', 'did you mean models?'],
    ['models: a.onnx\ndefaults:\n  min-sqrn: 3', 'line 3: defaults has no field "min-sqrn"', 'min-sqnr'],
    ['models: a.onnx\ndefaults: {min-sqnr: much}', 'line 2: --min-sqnr expects a number', undefined],
    ['models: a.onnx\ndefaults: {resize: bigger}', 'line 2: resize must be one of short', undefined],
    ['models: a.onnx\ndefaults: {keep: 1}', 'line 2: keep must be true or false', undefined],
    ['models: a.onnx\ntargets:\n- cpu\n- xpu', 'line 4: unknown target "xpu"', 'quantize targets'],
    ['models: a.onnx\nschemes: int7', 'line 2: unknown scheme "int7"', 'scheme'],
    ['models: "c*.onnx"', 'line 1: no file matches "c*.onnx"', undefined],
    ['models: []', 'line 1: there is nothing to do', undefined],
    ['targets: ane', 'line 1: "models" is missing', undefined],
    ['models: 3', 'line 1: model must be text', undefined],
    ['just text', 'line 1: the jobs file must be a mapping', undefined],
    ['models: ["**/a.onnx"]', 'line 1: "deep/a.onnx cpu int8-perchannel" and', '{model}'],
    ['models: a.onnx\nbudget: {memory: lots}', 'line 2: --memory expects a size', undefined],
  ])('refuses %j: %s', (text, message, hint) => {
    expect(() => read(text)).toThrow(
      expect.objectContaining({
        code: 'JOBS_INVALID',
        message: expect.stringContaining(message),
        where: { file },
        ...(hint && { hint: expect.stringContaining(hint) }),
      }),
    );
  });

  it.each([
    ['models: [a.onnx', 'JOBS_SYNTAX'],
    [`models: ${'x'.repeat(2 ** 20)}`, 'JOBS_UNREADABLE'],
    [`a: &a [x]\nb: &b [${'*a,'.repeat(200)}]\nmodels: [${'*b,'.repeat(200)}]`, 'JOBS_SYNTAX'],
  ])('refuses what is no such file', (text, code) => {
    expect(() => read(text)).toThrow(expect.objectContaining({ code }));
  });

  it('refuses a file that is not there', () => {
    expect(() => readBatch(join(folder, 'none.yaml'))).toThrow(
      expect.objectContaining({ code: 'JOBS_UNREADABLE' }),
    );
  });
});

describe('the published schema', () => {
  it('lies in the package', () => {
    const published = readFileSync(new URL('../../dist/jobs.schema.json', import.meta.url), 'utf8');
    expect(JSON.parse(published)).toEqual(JSON.parse(JSON.stringify(jobsSchema())));
  });

  it.each(['{model: a}', '{models: a, targets: 3}', '{models: [{preset: x}]}'])('refuses %s', (text) => {
    expect(validate(parse(text))).toBe(false);
  });
});
