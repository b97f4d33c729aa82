import { describe, expect, it } from 'vitest';
import { makeAttribute, makeNode, setAttribute } from '../../src/ir/graph.js';
import type { Model } from '../../src/ir/model.js';
import { floatTensor, makeTensor } from '../../src/ir/tensor.js';
import { lint, lintSarif, RUNTIMES, type Runtime, rulesFor } from '../../src/lint/index.js';
import { attention, fourBits, insert, node, residual, store, tensor } from './models.js';

const f32 = (...values: number[]) => Float32Array.from(values);
const bytes = (n: number, fill = 0) => new Uint8Array(n).fill(fill);
const scale = (m: Model, name: string, value: number) => store(m, name, 'float32', [], f32(value));
const zeros = (m: Model, dtype: 'uint8' | 'int8' | 'int16', fill: number, ...names: string[]) => {
  for (const name of names) {
    const { dims } = tensor(m, name);
    store(m, name, dtype, dims, bytes((dims[0] ?? 1) * (dtype === 'int16' ? 2 : 1), fill));
  }
};
/** A pair around what a node makes, for all who read it. */
function round(m: Model, name: string, by = 0.05): void {
  const output = node(m, name).outputs[0];
  for (const n of m.graph.nodes) n.inputs = n.inputs.map((i) => (i === output ? 'extra_dq' : i));
  for (const o of m.graph.outputs) if (o.name === output) o.name = 'extra_dq';
  m.graph.initializers.push(
    floatTensor('extra_scale', [], [by]),
    makeTensor('extra_zero', 'int8', [], bytes(1)),
  );
  const grid = ['extra_scale', 'extra_zero'];
  insert(m, name, makeNode('DequantizeLinear', ['extra_q', ...grid], ['extra_dq'], [], { name: 'extra_dq' }));
  insert(m, name, makeNode('QuantizeLinear', [output, ...grid], ['extra_q'], [], { name: 'extra_q' }));
}

type Plant = [rule: string, runtime: Runtime, what: string, from: () => Model, plant: (m: Model) => void];

const PLANTED: Plant[] = [
  ['qdq-scale', 'onnxruntime', 'a scale of zero', residual, (m) => scale(m, 'a_scale', 0)],
  ['qdq-scale', 'tensorrt', 'a scale that is no number', residual, (m) => scale(m, 'a_scale', Number.NaN)],
  [
    'qdq-scale-constant',
    'tensorrt',
    'a scale that is fed',
    residual,
    (m) => {
      m.graph.inputs.push({ name: 'fed' });
      for (const n of ['a_q', 'a_dq']) node(m, n).inputs[1] = 'fed';
    },
  ],
  [
    'qdq-zero-type',
    'coreml',
    'a zero point of another type',
    residual,
    (m) => zeros(m, 'uint8', 0, 'w1_zero'),
  ],
  [
    'qdq-zero-count',
    'tflite',
    'one zero point for many scales',
    residual,
    (m) => store(m, 'w1_zero', 'int8', [1], bytes(1)),
  ],
  [
    'qdq-axis',
    'onnxruntime',
    'scales along a shorter axis',
    residual,
    (m) => setAttribute(node(m, 'w1_dq'), makeAttribute.int('axis', 2)),
  ],
  [
    'qdq-opset',
    'onnxruntime',
    'FP8 in opset 17',
    attention,
    (m) => {
      m.opsetImports[0].version = 17;
    },
  ],
  [
    'qdq-opset',
    'tensorrt',
    'blocks in opset 19',
    fourBits,
    (m) => {
      m.opsetImports[0].version = 19;
    },
  ],
  [
    'qdq-pair-scale',
    'tensorrt',
    'another scale in the DQ',
    residual,
    (m) => {
      m.graph.initializers.push(floatTensor('other', [], [0.1]));
      node(m, 'a_dq').inputs[1] = 'other';
    },
  ],
  [
    'qdq-codes-read',
    'tensorrt',
    'a convolution that reads codes',
    residual,
    (m) => {
      node(m, 'c2').inputs[0] = 'r1_q';
    },
  ],
  [
    'qdq-special-codes',
    'tensorrt',
    'NaN among weights',
    () => residual('float8e4m3fn'),
    (m) => store(m, 'w1', 'float8e4m3fn', [32, 32, 3, 3], bytes(9216, 0x7f)),
  ],
  ['qdq-subnormal-scale', 'coreml', 'a subnormal scale', residual, (m) => scale(m, 'a_scale', 1e-40)],
  ['trt-scale-digits', 'tensorrt', 'a scale of few digits', residual, (m) => scale(m, 'a_scale', 1e-40)],
  ['trt-unsigned', 'tensorrt', 'unsigned activations', residual, (m) => zeros(m, 'uint8', 0, 'a_zero')],
  ['trt-zero-point', 'tensorrt', 'a zero point', residual, (m) => zeros(m, 'int8', 3, 'a_zero')],
  [
    'trt-operators',
    'tensorrt',
    'an integer operator',
    residual,
    (m) => {
      node(m, 'c1').opType = 'ConvInteger';
    },
  ],
  [
    'trt-plugin',
    'tensorrt',
    'an operator of another domain',
    residual,
    (m) => {
      node(m, 'p').domain = 'com.example';
    },
  ],
  [
    'trt-bias',
    'tensorrt',
    'an int32 bias',
    residual,
    (m) => {
      store(m, 'b', 'int32', [32], new Int32Array(32));
      m.graph.initializers.push(floatTensor('b_scale', [], [0.0025]));
      insert(m, 'w1_dq', makeNode('DequantizeLinear', ['b', 'b_scale'], ['b_dq'], [], { name: 'b_dq' }));
      node(m, 'c1').inputs[2] = 'b_dq';
    },
  ],
  ['trt-type', 'tensorrt', '16-bit activations', residual, (m) => zeros(m, 'int16', 0, 'a_zero')],
  [
    'trt-activation-scale',
    'tensorrt',
    'a scale a channel of an activation',
    residual,
    (m) => {
      store(m, 'a_scale', 'float32', [32], f32(...new Array(32).fill(0.05)));
      store(m, 'a_zero', 'int8', [32], bytes(32));
      for (const n of ['a_q', 'a_dq']) setAttribute(node(m, n), makeAttribute.int('axis', 1));
    },
  ],
  [
    'trt-axis-written',
    'tensorrt',
    'no axis',
    residual,
    (m) => {
      node(m, 'g_dq').attributes = [];
    },
  ],
  [
    'trt-weight-axis',
    'tensorrt',
    'scales along input channels',
    residual,
    (m) => setAttribute(node(m, 'w1_dq'), makeAttribute.int('axis', 1)),
  ],
  [
    'trt-scale-type',
    'tensorrt',
    'a float16 scale on float32',
    residual,
    (m) => store(m, 'x_scale', 'float16', [], Uint16Array.of(0x2a66)),
  ],
  [
    'trt-mixed',
    'tensorrt',
    'int8 by FP8',
    residual,
    (m) => {
      store(m, 'w1', 'float8e4m3fn', [32, 32, 3, 3], bytes(9216));
      store(m, 'w1_zero', 'float8e4m3fn', [32], bytes(32));
    },
  ],
  [
    'trt-int4',
    'tensorrt',
    'blocks of 32',
    fourBits,
    (m) => {
      store(m, 'w_scale', 'float32', [4, 32], f32(...new Array(128).fill(0.05)));
      setAttribute(node(m, 'w_dq'), makeAttribute.int('block_size', 32));
    },
  ],
  [
    'trt-block-axis',
    'tensorrt',
    'blocks along the channels of a filter',
    residual,
    (m) => setAttribute(node(m, 'w1_dq'), makeAttribute.int('block_size', 1)),
  ],
  [
    'trt-saturate',
    'tensorrt',
    'FP8 that does not saturate',
    attention,
    (m) => setAttribute(node(m, 'v_q'), makeAttribute.int('saturate', 0)),
  ],
  [
    'trt-opset',
    'tensorrt',
    'opset 26',
    residual,
    (m) => {
      m.opsetImports[0].version = 26;
    },
  ],
  [
    'trt-gemm-factor',
    'tensorrt',
    'alpha',
    residual,
    (m) => setAttribute(node(m, 'y'), makeAttribute.float('alpha', 2)),
  ],
  ['trt-fusion', 'tensorrt', 'a pair before the ReLU', residual, (m) => round(m, 'c1')],
  ['trt-residual', 'tensorrt', 'a rounded branch', residual, (m) => round(m, 'c2')],
  [
    'pairs-concat-scale',
    'tensorrt',
    'two scales that are joined',
    residual,
    (m) => scale(m, 'r1_scale', 0.1),
  ],
  [
    'trt-unsuited',
    'tensorrt',
    'a depthwise filter in FP8',
    () => residual('float8e4m3fn'),
    (m) => {
      store(m, 'w2', 'float8e4m3fn', [32, 1, 3, 3], bytes(288));
      setAttribute(node(m, 'c2'), makeAttribute.int('group', 32));
    },
  ],
  [
    'pairs-one-side',
    'tensorrt',
    'a float weight',
    residual,
    (m) => {
      m.graph.initializers.push(floatTensor('w', [32, 32, 3, 3], new Float32Array(9216)));
      node(m, 'c2').inputs[1] = 'w';
    },
  ],
  [
    'pairs-one-side',
    'tensorrt',
    'half of attention',
    attention,
    (m) => {
      node(m, 'scores').inputs[1] = 'kt';
    },
  ],
  [
    'trt-softmax-scale',
    'tensorrt',
    'a measured range behind a Softmax',
    attention,
    (m) => scale(m, 'soft_scale', 0.002),
  ],
  [
    'trt-attention-scaling',
    'tensorrt',
    'scores that are scaled',
    attention,
    (m) => {
      insert(m, 'scores', makeNode('Mul', ['scores', 'factor'], ['late'], [], { name: 'late' }));
      node(m, 'soft').inputs[0] = 'late';
    },
  ],
  ['pairs-output', 'tensorrt', 'a rounded output', residual, (m) => round(m, 'y')],
  ['pairs-requantize', 'tensorrt', 'two pairs in a row', residual, (m) => round(m, 'a_dq', 0.1)],
  ['trt-average-pool', 'tensorrt', 'a pool that reads codes', residual, (m) => round(m, 'c3')],
  ['coreml-activation-type', 'coreml', '16-bit activations', residual, (m) => zeros(m, 'int16', 0, 'a_zero')],
  ['coreml-weight-type', 'coreml', 'FP8 weights', () => residual('float8e4m3fn'), () => {}],
  [
    'coreml-weight-axis',
    'coreml',
    'scales along input channels',
    residual,
    (m) => setAttribute(node(m, 'w1_dq'), makeAttribute.int('axis', 1)),
  ],
  [
    'coreml-rank',
    'coreml',
    'six axes',
    residual,
    (m) => {
      m.graph.inputs[0].type!.tensor!.shape!.dims = new Array(6).fill({ value: 1 });
    },
  ],
  [
    'coreml-operator',
    'coreml',
    'control flow',
    residual,
    (m) => {
      node(m, 'p').opType = 'Loop';
    },
  ],
  [
    'tflite-activation-type',
    'tflite',
    'unsigned activations',
    residual,
    (m) => zeros(m, 'uint8', 0, 'a_zero'),
  ],
  ['tflite-int16-zero', 'tflite', 'a zero point in 16 bits', residual, (m) => zeros(m, 'int16', 3, 'a_zero')],
  [
    'tflite-weight-zero',
    'tflite',
    'a zero point of weights',
    residual,
    (m) => zeros(m, 'int8', 3, 'w1_zero'),
  ],
  [
    'tflite-weight-range',
    'tflite',
    'the code −128',
    residual,
    (m) => store(m, 'w1', 'int8', [32, 32, 3, 3], bytes(9216, 0x80)),
  ],
  ['tflite-weight-type', 'tflite', 'FP8 weights', () => residual('float8e4m3fn'), () => {}],
  ['tflite-block', 'tflite', 'blocks', fourBits, () => {}],
  ['tflite-same-grid', 'tflite', 'a pool that changes the scale', residual, (m) => round(m, 'm', 0.1)],
  [
    'tflite-fixed-output',
    'tflite',
    'a measured range behind a Sigmoid',
    residual,
    (m) => {
      node(m, 'r1').opType = 'Sigmoid';
      for (const n of m.graph.nodes)
        n.inputs = n.inputs.map((i) => (i === 'r1_dq' && n.name !== 'c2' ? 'a_dq' : i));
    },
  ],
  [
    'bias-scale',
    'onnxruntime',
    'a bias of another scale',
    residual,
    (m) => {
      store(m, 'b', 'int32', [32], new Int32Array(32));
      m.graph.initializers.push(floatTensor('b_scale', [], [0.1]));
      insert(m, 'w1_dq', makeNode('DequantizeLinear', ['b', 'b_scale'], ['b_dq'], [], { name: 'b_dq' }));
      node(m, 'c1').inputs[2] = 'b_dq';
    },
  ],
  ['ort-fp8-product', 'onnxruntime', 'FP8 around a MatMul', attention, () => {}],
  ['ort-type', 'onnxruntime', 'FP4', fourBits, (m) => store(m, 'w', 'float4e2m1', [128, 32], bytes(2048))],
  [
    'ort-two-bits',
    'onnxruntime',
    'a convolution of two bits between pairs',
    residual,
    (m) => {
      m.opsetImports[0].version = 25;
      for (const name of ['w1', 'w1_zero']) {
        const { dims } = tensor(m, name);
        store(m, name, 'int2', dims, bytes(Math.ceil(dims.reduce((a, b) => a * b, 1) / 4)));
      }
    },
  ],
  [
    'ort-output-type',
    'onnxruntime',
    'another output type',
    residual,
    (m) => setAttribute(node(m, 'w1_dq'), makeAttribute.int('output_dtype', 10)),
  ],
  [
    'ort-signed-unsigned',
    'onnxruntime',
    'int8 by uint8',
    residual,
    (m) => {
      zeros(m, 'uint8', 0, 'w1_zero');
      store(m, 'w1', 'uint8', [32, 32, 3, 3], bytes(9216, 1));
    },
  ],
  [
    'ort-foreign-pairs',
    'onnxruntime',
    'a domain that is not imported',
    residual,
    (m) => {
      node(m, 'p').domain = 'com.microsoft';
    },
  ],
];

const said = (m: Model, runtime: Runtime) => lint(m, runtime).map((f) => f.rule);

describe('lint rules', () => {
  it.each(RUNTIMES.map((r) => r.id))('have nothing to say of sound models for %s', (runtime) => {
    const same = residual();
    // LiteRT has no ungated pools between scales, and its Softmax another grid.
    expect(said(same, runtime)).toEqual([]);
    if (runtime === 'tensorrt')
      for (const m of [attention(), fourBits()]) expect(said(m, runtime)).toEqual([]);
  });

  it('take 1/448 as bfloat16 has it, and not its neighbour', () => {
    const m = attention();
    store(m, 'soft_scale', 'bfloat16', [], Uint16Array.of(0x3b12));
    expect(said(m, 'tensorrt')).not.toContain('trt-softmax-scale');
    store(m, 'soft_scale', 'bfloat16', [], Uint16Array.of(0x3b14));
    expect(said(m, 'tensorrt')).toContain('trt-softmax-scale');
  });

  it.each(PLANTED)('%s for %s finds %s', (rule, runtime, _, from, plant) => {
    const m = from();
    plant(m);
    expect(said(m, runtime)).toContain(rule);
  });

  it('are each tried for some runtime', () => {
    const tried = new Set(PLANTED.map(([rule]) => rule));
    const all = new Set(RUNTIMES.flatMap((r) => rulesFor(r.id)).map((r) => r.id));
    expect([...all].filter((id) => !tried.has(id))).toEqual([
      'coreml-activation-scale',
      'tflite-activation-scale',
      'tflite-weight-axis',
    ]);
  });
});

describe('SARIF', () => {
  it('names rules, levels and places', () => {
    const m = residual();
    zeros(m, 'int8', 3, 'a_zero');
    const report = {
      schema: 'onnx-quantize/lint@1' as const,
      file: 'a b/net.onnx',
      runtime: 'tensorrt' as const,
      pairs: 1,
    };
    const sarif = lintSarif({ ...report, findings: lint(m, 'tensorrt') }) as {
      version: string;
      runs: Run[];
    };
    const [{ tool, results }] = sarif.runs;
    expect(sarif.version).toBe('2.1.0');
    expect(tool.driver.rules[results[0].ruleIndex].id).toBe('trt-zero-point');
    expect(results[0]).toMatchObject({ ruleId: 'trt-zero-point', level: 'error' });
    expect(results[0].locations[0].physicalLocation.artifactLocation.uri).toBe('a%20b/net.onnx');
  });
});

interface Run {
  tool: { driver: { rules: { id: string }[] } };
  results: {
    ruleId: string;
    ruleIndex: number;
    level: string;
    locations: { physicalLocation: { artifactLocation: { uri: string } } }[];
  }[];
}
