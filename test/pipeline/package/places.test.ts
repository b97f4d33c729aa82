import { describe, expect, it } from 'vitest';
import { exportedAs, outputsOf } from '../../../src/pipeline/package/places.js';

const job = (options: object) => ({
  model: 'm.onnx',
  target: 'ane',
  scheme: 'int8-perchannel',
  method: 'minmax',
  ...options,
});

describe('where a job writes', () => {
  it.each([
    [{ output: 'q.onnx' }, { model: 'q.onnx' }],
    [{ output: 'q.mlpackage/', ios: 17, failOnFallback: 5 }, { package: 'q.mlpackage/' }],
    [
      { output: 'q.onnx', package: 'q.savedmodel', dynamicBatch: true },
      { model: 'q.onnx', package: 'q.savedmodel' },
    ],
  ])('%j', (options, places) => {
    expect(outputsOf(job(options))).toMatchObject(places);
  });

  it.each([
    [{ output: 'q.mlpackage', package: 'r.mlpackage' }, 'OUTPUT_TWICE', /both/],
    [{ output: 'q.onnx', package: 'q.zip' }, 'UNKNOWN_FORMAT', /q\.zip/],
    [
      { output: 'q.savedmodel', failOnFallback: 5 },
      'PACKAGE_OPTION',
      /--fail-on-fallback is .* not of \.savedmodel/,
    ],
    [
      { output: 'q.mlpackage', dynamicBatch: true },
      'PACKAGE_OPTION',
      /--dynamic-batch is .* not of \.mlpackage/,
    ],
    // The gate would pass, for want of a package to look at.
    [{ output: 'q.onnx', failOnFallback: 5 }, 'PACKAGE_OPTION', /\.mlpackage, and none is written/],
  ])('refuses %j', (options, code, message) => {
    expect(() => outputsOf(job(options))).toThrow(
      expect.objectContaining({ code, message: expect.stringMatching(message) }),
    );
  });
});

describe('what an export makes', () => {
  it.each([
    [{ output: 'q.mlpackage', io: 'fp32' }, 'mlpackage'],
    [{ output: 'folder', to: 'savedmodel', compute: 'fp32' }, 'savedmodel'],
    [{ output: 'q.ort' }, 'ort'],
    [{ output: 'q.onnx', to: 'tensorrt', highPrecision: 'bf16' }, 'tensorrt'],
  ])('%j', (options, id) => {
    expect(exportedAs(job(options))).toMatchObject({ id });
  });

  it.each([
    [{}, 'EXPORT_OUTPUT', /needs a place/],
    [{ output: 'q.zip' }, 'UNKNOWN_FORMAT', /q\.zip/],
    [{ output: 'q.onnx', to: 'tensorflow' }, 'UNKNOWN_FORMAT', /tensorflow/],
    [{ output: 'q.mlpackage', to: 'savedmodel' }, 'EXPORT_OUTPUT', /--to savedmodel writes no \.mlpackage/],
    [{ output: 'q.ort', ios: 17 }, 'PACKAGE_OPTION', /--ios is .* not of \.ort/],
    [
      { output: 'q.savedmodel', highPrecision: 'fp16' },
      'PACKAGE_OPTION',
      /--high-precision is .* tensorrt, not of/,
    ],
  ])('refuses %j', (options, code, message) => {
    expect(() => exportedAs(job(options))).toThrow(
      expect.objectContaining({ code, message: expect.stringMatching(message) }),
    );
  });
});
