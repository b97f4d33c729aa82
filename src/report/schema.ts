/** JSON Schema (draft 2020-12) of a report, `onnx-quantize/report@1`. Fields may be added, none removed or changed. */
export type Schema = Record<string, unknown>;

export const text: Schema = { type: 'string' };
export const count: Schema = { type: 'number', minimum: 0 };
const share: Schema = { type: 'number', minimum: 0, maximum: 1 };
export const number: Schema = { type: 'number' };
const decibel: Schema = { type: ['number', 'null'], description: 'dB; null: no difference' };
export const list = (items: Schema): Schema => ({ type: 'array', items });
export const oneOf = (...values: (string | number)[]): Schema => ({ enum: values });

/** An object with these fields; names ending in "?" may be missing. */
export const object = (fields: Record<string, Schema>): Schema => ({
  type: 'object',
  properties: Object.fromEntries(Object.entries(fields).map(([key, s]) => [key.replace(/\?$/, ''), s])),
  required: Object.keys(fields).filter((key) => !key.endsWith('?')),
  additionalProperties: false,
});

const ref = (name: string): Schema => ({ $ref: `#/$defs/${name}` });

const accuracy = object({
  float: share,
  quantized: share,
  drop: number,
  dropInterval: { type: 'array', prefixItems: [number, number], minItems: 2, maxItems: 2, items: false },
  'rows?': count,
});

const output = object({
  output: text,
  sqnrDb: decibel,
  cosine: { type: 'number', minimum: -1, maximum: 1 },
  maxAbsError: count,
  'top1Agreement?': share,
  'top5Agreement?': share,
  'nonFinite?': object({ float: count, quantized: count }),
  'shapeMismatches?': count,
  'kl?': count,
  'entropyBits?': count,
  'mutualBits?': count,
});

const foreseen = object({ nll: number, accuracy: share });

const metrics = object({
  samples: count,
  evidence: oneOf('evaluation', 'calibration', 'synthetic'),
  source: text,
  outputs: list(output),
  'exactOutputs?': list(object({ output: text, equal: share })),
  'top1?': accuracy,
  'top5?': accuracy,
  'tokens?': object({
    output: text,
    positions: count,
    float: foreseen,
    quantized: foreseen,
    agreement: share,
  }),
  optimisedSqnrDb: decibel,
  'latency?': object({ floatMs: count, quantizedMs: count, threads: count }),
});

const speed = object({
  latencyMs: ref('figure'),
  throughput: ref('figure'),
  'energyMj?': ref('figure'),
  'watts?': ref('figure'),
  'energyParts?': object({ compute: count, onChip: count, memory: count, static: count, call: count }),
  'memory?': object({
    weightBytes: count,
    activationBytes: count,
    cacheBytes: count,
    totalBytes: count,
    fits: { type: 'boolean' },
  }),
  'timeShare?': object({ compute: share, memory: share, overhead: share }),
});

const layer = object({
  node: text,
  opType: text,
  'fused?': list(text),
  parameters: count,
  floatBytes: count,
  quantizedBytes: count,
  macs: count,
  computes: text,
  'timeUs?': ref('figure'),
  'floatTimeUs?': ref('figure'),
  'bound?': oneOf('compute', 'memory', 'overhead'),
  'energyUj?': ref('figure'),
  'operations?': count,
  'bytes?': count,
  'onChipBytes?': count,
  'utilisation?': share,
  'liveBytes?': count,
  'runsOn?': text,
  'reason?': text,
});

/** `onnx-quantize/package@1`: what `quantize export` prints, and a field of the report of a job that wrote a package. */
const packaged = object({
  schema: { const: 'onnx-quantize/package@1' },
  format: text,
  'file?': text,
  bytes: count,
  'files?': { type: 'object', additionalProperties: count },
  'ios?': oneOf(17, 18),
  operations: { type: 'object', additionalProperties: count },
  fallbacks: list(object({ node: text, operation: text, reason: text })),
  fallbackShare: share,
  'int8Macs?': share,
  'changes?': { type: 'object', additionalProperties: count },
  'findings?': list(object({ rule: text, severity: text, message: text, 'node?': text, 'tensor?': text })),
  'tiles?': object({
    lanes: count,
    filled: share,
    layers: list(
      object({
        node: text,
        inner: count,
        outer: count,
        paddedInner: count,
        paddedOuter: count,
        waste: share,
      }),
    ),
  }),
  roundTrip: object({
    samples: count,
    evidence: oneOf('samples', 'synthetic'),
    sqnrDb: decibel,
    'codes?': object({ compared: count, different: count, mostSteps: count }),
  }),
  verifiedBy: list(text),
  notVerifiedBy: list(text),
});

const report = object({
  schema: { const: 'onnx-quantize/report@1' },
  model: object({ name: text, sha256: text, opset: count, nodes: count, parameters: count }),
  target: object({ id: text, name: text }),
  scheme: text,
  method: text,
  calibration: object({ kind: oneOf('real', 'synthetic'), source: text, samples: count }),
  size: object({
    floatBytes: count,
    quantizedBytes: count,
    ratio: count,
    floatParameterBytes: count,
    quantizedParameterBytes: count,
    'estimated?': { type: 'boolean' },
    'packedBytes?': count,
    'bitsPerWeight?': count,
  }),
  macs: count,
  'run?': object({ batch: count, dims: { type: 'object', additionalProperties: count } }),
  coverage: object({ parameters: share, macs: share }),
  'conversions?': object({ quantize: count, dequantize: count }),
  'metrics?': ref('metrics'),
  'sensitivity?': list(
    object({
      node: text,
      tensor: text,
      format: text,
      candidates: list(object({ candidate: text, bytes: count, localDb: decibel, outputDb: decibel })),
    }),
  ),
  'front?': object({
    of: oneOf('size', 'latency', 'energy'),
    unit: text,
    float: count,
    points: list(
      object({
        kind: oneOf('mixed', 'uniform'),
        name: text,
        cost: count,
        predictedDb: decibel,
        verifiedDb: decibel,
        layers: { type: 'object', additionalProperties: count },
        chosen: { type: 'boolean' },
      }),
    ),
  }),
  'improvements?': list(
    object({
      step: text,
      description: text,
      beforeDb: decibel,
      afterDb: decibel,
      kept: { type: 'boolean' },
      seconds: count,
      'changed?': list(text),
    }),
  ),
  'losses?': list(
    object({ kind: oneOf('activation', 'weight'), tensor: text, node: text, outputDb: decibel, share }),
  ),
  'training?': object({
    steps: count,
    batch: count,
    samples: count,
    judges: count,
    taught: oneOf('labels', 'float model', 'both'),
    history: list(
      object({
        epoch: count,
        step: count,
        trainLoss: number,
        rate: number,
        loss: number,
        'accuracy?': share,
      }),
    ),
    best: { type: 'number', minimum: -1 },
    seconds: count,
    bytes: count,
    before: object({ sqnrDb: decibel, 'accuracy?': share, 'agreement?': share }),
    after: object({ sqnrDb: decibel, 'accuracy?': share, 'agreement?': share }),
  }),
  'package?': ref('package'),
  float: ref('speed'),
  quantized: ref('speed'),
  'roofline?': object({
    formats: list(object({ format: text, peak: count, reached: count })),
    memory: object({ peak: count, reached: count }),
    'onChip?': object({ reached: count }),
  }),
  'saturation?': object({ batch: count, throughput: ref('figure') }),
  'chips?': object({ count, memoryEachBytes: count, latencyMs: ref('figure') }),
  'battery?': object({
    wattHours: count,
    sharePer1000: ref('figure'),
    hours: ref('figure'),
    sustained: ref('figure'),
  }),
  'datacentre?': object({ pricePerKwh: count, joulesPer1000: ref('figure'), costPerMillion: ref('figure') }),
  'joulesPerBit?': ref('figure'),
  layers: list(ref('layer')),
  leftInFloat: list(object({ node: text, opType: text, reason: text })),
  caveats: list(text),
});

export const REPORT_SCHEMA: Schema = {
  $schema: 'https://json-schema.org/draft/2020-12/schema',
  $id: 'onnx-quantize/report@1',
  title: 'Size, speed and power of a quantized model on a target',
  ...report,
  $defs: {
    figure: object({
      value: number,
      unit: text,
      kind: oneOf('measured', 'modelled', 'vendor'),
      'band?': count,
      'note?': text,
    }),
    metrics,
    package: packaged,
    speed,
    layer,
  },
};
