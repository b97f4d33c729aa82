import { count, list, number, object, oneOf, type Schema, text } from './schema.js';

const figure: Schema = { $ref: 'report@1#/$defs/figure' };

const loss = object({
  'points?': number,
  'interval?': { type: 'array', prefixItems: [number, number], minItems: 2, maxItems: 2, items: false },
  sqnrDb: { type: ['number', 'null'] },
  evidence: oneOf('evaluation', 'calibration', 'synthetic'),
});

const row = object({
  target: object({ id: text, name: text }),
  scheme: text,
  'unsupported?': text,
  'loss?': loss,
  'latencyMs?': figure,
  'speedup?': count,
  'watts?': figure,
  'energyMj?': figure,
  'parameterBytes?': count,
  'smaller?': count,
  front: { type: 'boolean' },
});

/** JSON Schema of one model on several chips; refers to that of a report, which must be known beside it. */
export const COMPARISON_SCHEMA: Schema = {
  $schema: 'https://json-schema.org/draft/2020-12/schema',
  $id: 'onnx-quantize/report-comparison@1',
  title: 'One model on several chips under several schemes',
  ...object({
    schema: { const: 'onnx-quantize/report-comparison@1' },
    model: object({ name: text, sha256: text, parameters: count, floatParameterBytes: count, macs: count }),
    rows: list(row),
    reports: list({ $ref: 'report@1' }),
  }),
};
