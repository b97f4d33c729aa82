/** What a field must be. `.*` in a path stands for every key of an object. */
export interface FieldRule {
  path: string;
  expected: string;
  example: unknown;
  test(value: unknown): boolean;
  required?: boolean;
}

export const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
const isText = (value: unknown): boolean => typeof value === 'string' && value !== '';
const isTexts = (value: unknown): boolean => Array.isArray(value) && value.every(isText);

const text = (path: string, example: string): FieldRule => ({
  path,
  expected: 'a non-empty text',
  example,
  test: isText,
  required: true,
});
const texts = (path: string, example: string[]): FieldRule => ({
  path,
  expected: 'a list of texts',
  example,
  test: isTexts,
  required: true,
});
const choice = (path: string, values: string[]): FieldRule => ({
  path,
  expected: `one of ${values.map((v) => `"${v}"`).join(', ')}`,
  example: values[0],
  test: (value) => values.includes(value as string),
  required: true,
});
const group = (path: string, required: boolean): FieldRule => ({
  path,
  expected: 'an object',
  example: {},
  test: isObject,
  required,
});

const KINDS = ['vendor', 'measured', 'inferred'];

/** A Fact at `path`: its value's bounds, unit and an example. A share lies in (0, 1]; a band may reach 10. */
function fact(
  path: string,
  unit: string,
  example: number,
  max = Number.MAX_VALUE,
  required = true,
): FieldRule[] {
  const bounds = max === Number.MAX_VALUE ? 'not negative' : `from 0 to ${max}`;
  const whole = { value: example, unit, kind: 'measured', source: 'where it is from', date: '2026-01' };
  return [
    { path, expected: `a figure in ${unit} with its source`, example: whole, test: isObject, required },
    {
      path: `${path}.value`,
      expected: `a number in ${unit}, ${bounds}`,
      example,
      test: (v) => typeof v === 'number' && v >= 0 && v <= max,
      required: true,
    },
    {
      path: `${path}.unit`,
      expected: `the unit "${unit}"`,
      example: unit,
      test: (v) => v === unit,
      required: true,
    },
    choice(`${path}.kind`, KINDS),
    text(`${path}.source`, 'data sheet, page 3'),
    {
      path: `${path}.date`,
      expected: 'a year and month',
      example: '2026-01',
      test: (v) => typeof v === 'string' && /^\d{4}-(0[1-9]|1[0-2])$/.test(v),
      required: true,
    },
  ];
}

const optional = Number.MAX_VALUE;

/** The schema of a target description, one row a field. */
export const FIELDS: readonly FieldRule[] = [
  {
    path: 'id',
    expected: 'lower-case letters, digits and hyphens, and @ with the name of a profile',
    example: 'my-chip',
    test: (v) => typeof v === 'string' && /^[a-z0-9][a-z0-9-]*(@[a-z0-9-]+)?$/.test(v),
    required: true,
  },
  text('name', 'My chip'),
  texts('aliases', []),
  text('description', '4 cores, int8 only'),
  choice('timing', ['modelled', 'measured']),
  group('activations', true),
  choice('activations.format', ['int8', 'uint8']),
  {
    path: 'activations.symmetric',
    expected: 'true or false',
    example: true,
    test: (v) => typeof v === 'boolean',
    required: true,
  },
  text('activations.reason', 'the compiler takes no zero point'),
  { ...choice('runtime', ['tensorrt']), required: false },
  { ...choice('package', ['mlpackage', 'savedmodel']), required: false },
  choice('floatFormat', ['float32', 'float16', 'bfloat16']),
  choice('kernelOutputs', ['float', 'integer']),
  group('peak', true),
  ...fact('peak.*', 'op/s', 35e12),
  group('sparsePeak', false),
  ...fact('sparsePeak.*', 'op/s', 70e12),
  group('utilisation', true),
  ...fact('utilisation.*', 'share', 0.8, 1),
  group('convUtilisation', false),
  ...fact('convUtilisation.*', 'share', 0.4, 1),
  ...fact('sustained', 'share', 0.8, 1, false),
  ...fact('outputLanes', 'channels', 128, optional, false),
  ...fact('vector', 'op/s', 4e12, optional, false),
  group('vectorUtilisation', false),
  ...fact('vectorUtilisation.*', 'share', 0.7, 1),
  group('array', false),
  ...fact('array.rows', 'rows', 8),
  ...fact('array.columns', 'columns', 128),
  ...fact('array.depth', 'elements', 128),
  ...fact('array.units', 'tiles', 8, optional, false),
  ...fact('decode', 'op', 10, optional, false),
  ...fact('requantize', 'op', 10, optional, false),
  ...fact('convert', 'op', 10, optional, false),
  { ...texts('fusion', ['rows', 'attention']), required: false },
  group('library', false),
  texts('library.epilogues', ['Relu', 'Add']),
  texts('library.clamps', ['Relu', 'Clip']),
  ...['gather', 'walk', 'column', 'integerElement', 'layout', 'decodeRow'].flatMap((field) =>
    fact(`library.${field}`, 's', 1e-10),
  ),
  group('memory', false),
  ...fact('memory.bytes', 'bytes', 8e9),
  ...fact('memory.bandwidth', 'bytes/s', 51.2e9),
  ...fact('memory.efficiency', 'share', 0.8, 1),
  ...fact('memory.onChipBytes', 'bytes', 16e6, optional, false),
  ...fact('memory.onChipBandwidth', 'bytes/s', 1e12, optional, false),
  ...fact('memory.rowBytes', 'bytes', 64, optional, false),
  ...fact('memory.activationBandwidth', 'bytes/s', 34e9, optional, false),
  group('overhead', false),
  ...fact('overhead.dispatch', 's', 1e-4),
  ...fact('overhead.kernel', 's', 1e-6),
  ...fact('overhead.integer', 's', 1e-7, optional, false),
  ...fact('overhead.step', 's', 1e-3, optional, false),
  ...fact('overhead.prompt', 's', 3e-3, optional, false),
  ...fact('link', 'bytes/s', 45e9, optional, false),
  group('fallback', false),
  text('fallback.to', 'CPU'),
  texts('fallback.operators', ['NonMaxSuppression']),
  ...fact('fallback.switch', 's', 1e-4),
  ...fact('fallback.longestAxis', 'elements', 16384, optional, false),
  ...fact('fallback.widestAverage', 'elements', 13, optional, false),
  group('power', false),
  ...fact('power.idle', 'W', 1),
  ...fact('power.peak', 'W', 15),
  ...fact('power.limit', 'W', 15, optional, false),
  group('power.operation', true),
  ...fact('power.operation.*', 'pJ/op', 0.3),
  ...fact('power.memoryByte', 'pJ/byte', 50),
  ...fact('power.onChipByte', 'pJ/byte', 10, optional, false),
  ...fact('power.typical', 'W', 10, optional, false),
  ...fact('power.call', 'mJ', 0.15, optional, false),
  group('battery', false),
  ...fact('battery.wattHours', 'Wh', 12.7),
  ...fact('battery.sustained', 'W', 4),
  { ...texts('fitted', ['overhead.kernel']), required: false },
  texts('integerOperators', ['Conv', 'Gemm', 'MatMul']),
  group('errorBand', false),
  ...fact('errorBand.latency', 'share', 0.3, 10),
  ...fact('errorBand.energy', 'share', 1, 10),
  group('errorBand.kinds', false),
  ...fact('errorBand.kinds.*', 'share', 0.2, 10),
  texts('caveats', []),
];
