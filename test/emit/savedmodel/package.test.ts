import { describe, expect, it } from 'vitest';
import { toBfloat16 } from '../../../src/emit/savedmodel/builder.js';
import { FILES, type SavedModel } from '../../../src/emit/savedmodel/index.js';
import { liftPackage } from '../../../src/emit/savedmodel/lift/index.js';
import { denseBytes, parseModule } from '../../../src/emit/savedmodel/parse.js';
import { denseText } from '../../../src/emit/savedmodel/text.js';
import { buildModel, node, random, run, tensor } from '../../prepare/opset/build.js';
import { packaged } from './export.js';

const convolution = (channels = 4) =>
  buildModel({
    name: 'x',
    opset: 16,
    nodes: [node('Conv', 'in/put w b', 'out:0', { group: 1 })],
    inputs: { 'in/put': random(1, channels, 5, 5) },
    constants: { w: random(8, channels, 3, 3), b: random(8) },
  });

const bytes = ({ files }: SavedModel, path: string): Uint8Array =>
  new Uint8Array(Buffer.concat(files.find((f) => f.path === path)!.chunks));
const content = (pack: SavedModel) => pack.files.map((f) => [f.path, bytes(pack, f.path)]);

/** The header of a safetensors file. */
function header(file: Uint8Array): Record<string, { dtype: string; shape: number[] }> {
  const size = Number(new DataView(file.buffer).getBigUint64(0, true));
  return JSON.parse(Buffer.from(file.subarray(8, 8 + size)).toString());
}

describe('the folder', () => {
  it('is the same bytes each time', async () =>
    expect(content(await packaged(convolution()))).toEqual(content(await packaged(convolution()))));

  it('holds one module in text, for the TPU, and for the CPU in its twin', async () => {
    const pack = await packaged(convolution());
    const module = Buffer.from(bytes(pack, FILES.module));
    for (const [file, platform] of [
      [FILES.tpu, 'TPU'],
      [FILES.cpu, 'CPU'],
    ] as const) {
      const saved = Buffer.from(bytes(pack, file));
      expect(saved.includes(module)).toBe(true);
      expect(saved.includes(platform)).toBe(true);
    }
  });

  it.each([
    ['bf16', 'BF16'],
    ['f32', 'F32'],
  ] as const)(
    'stores filters for products in %s as %s, in the order of arguments',
    async (compute, dtype) => {
      const pack = await packaged(convolution(), { compute });
      const { __metadata__, ...weights } = header(bytes(pack, FILES.weights));
      expect(weights).toMatchObject({ w: { dtype, shape: [8, 4, 3, 3] } });
      const described = JSON.parse(Buffer.from(bytes(pack, FILES.interface)).toString());
      expect(described.weights).toEqual(Object.keys(weights));
      expect(described.inputs[0]).toMatchObject({ name: 'in/put', signature: 'in_put' });
      expect(described.outputs[0]).toMatchObject({ name: 'out:0', signature: 'out_0' });
    },
  );
});

describe('weights in 8-bit floats', () => {
  it('stay bytes, and their scales lie behind the product', async () => {
    const model = buildModel({
      name: 'x',
      opset: 16,
      nodes: [node('Conv', 'a w', 'y')],
      inputs: { a: tensor([1, 1, 1, 2], [3, -5]) },
      constants: { w: tensor([2, 1, 1, 1], [0.5, -0.5]) },
    });
    const codes = Uint8Array.of(0x38, 0xc0); // 1 and −2
    const float8 = {
      dtype: 'float8e4m3fn' as const,
      codes,
      dims: [2, 1, 1, 1],
      scale: Float32Array.of(0.5, 0.25),
    };
    const stored = new Map([['w', { dims: [2, 1, 1, 1], data: Float32Array.of(0.5, -0.5), float8 }]]);
    const pack = await packaged(model, { stored });
    expect(pack.lowered.program.operations.map((o) => o.results[0].dtype)).toContain('f8E4M3FN');
    const a = { a: tensor([1, 1, 1, 2], [3, -5]) };
    expect(await run(pack.readBack(), a)).toEqual(await run(model, a));
  });
});

describe('Q/DQ of 8-bit floats', () => {
  it('keeps the bytes of weights, and rounds activations as onnxruntime does', async () => {
    const zero = { dtype: 'float8e4m3fn' as const, dims: [], data: Uint8Array.of(0) };
    const model = buildModel({
      name: 'x',
      opset: 19,
      nodes: [
        node('QuantizeLinear', 'a s z', 'q'),
        node('DequantizeLinear', 'q s z', 'x'),
        node('DequantizeLinear', 'w t', 'v', { axis: 1 }),
        node('MatMul', 'x v', 'y'),
      ],
      inputs: { a: random(2, 3) },
      constants: {
        s: tensor([], [0.25]),
        z: zero,
        // 1, −2; 0.5, 1.5; −448, 2⁻⁹.
        w: {
          dtype: 'float8e4m3fn',
          dims: [3, 2],
          data: Uint8Array.of(0x38, 0xc0, 0x30, 0x3c, 0xfe, 0x01),
        },
        t: tensor([2], [0.5, 2]),
      },
    });
    const pack = await packaged(model);
    const { weights, operations } = pack.lowered.program;
    const held = [...weights.map((w) => w.value), ...operations.flatMap((o) => o.results)];
    expect(held.filter((v) => v.dtype === 'f8E4M3FN').map((v) => v.dims)).toContainEqual([3, 2]);
    const a = { a: random(2, 3) };
    expect(await run(pack.readBack(), a)).toEqual(await run(model, a));
  });
});

describe('padding', () => {
  it.each([
    { channels: 128, inner: undefined },
    { channels: 96, inner: 128 },
    { channels: 129, inner: 256 },
  ])('of $channels channels', async ({ channels, inner }) => {
    const { tiles } = await packaged(convolution(channels));
    // Eight filters fill a sixteenth of the arrays' columns.
    const share = channels / (inner ?? channels) / 16;
    expect(tiles.filled).toBeCloseTo(share, 12);
    expect(tiles.layers[0]).toMatchObject({
      inner: channels,
      paddedInner: inner ?? channels,
      paddedOuter: 128,
    });
    expect(tiles.layers[0].waste).toBeCloseTo(1 - share, 12);
  });
});

describe('reading back', () => {
  it.each([
    ['a file cut short', (b: Uint8Array) => b.subarray(0, b.length - 40)],
    ['a constant of another shape', (b: Uint8Array) => replaced(b, '<8x4x3x3xbf16>', '<8x3x4x3xbf16>')],
    ['a value that nothing makes', (b: Uint8Array) => replaced(b, '%0: tensor', '%9: tensor')],
  ])('refuses %s', async (_, damage) => {
    const pack = await packaged(convolution());
    expect(() => liftPackage(damage(bytes(pack, FILES.tpu)), pack.lowered)).toThrow(
      expect.objectContaining({ name: 'QuantizeError', exitCode: 3 }),
    );
  });

  it('refuses operations that it does not know', async () => {
    const pack = await packaged(convolution());
    const other = replaced(bytes(pack, FILES.tpu), '"stablehlo.add"', '"stablehlo.xdd"');
    expect(() => liftPackage(other, pack.lowered)).toThrow('stablehlo.xdd has no form in ONNX');
  });

  it('reads regions, lists and pairs as they were written', () => {
    const text = `func.func public @main(%0: tensor<2x3xf32>) -> (tensor<2xf32>) {
      %1 = "stablehlo.reduce"(%0, %0) <{dimensions = array<i64: 1>, p = dense<[[1, -2], [3, 4]]> : tensor<2x2xi64>}> ({
      ^bb0(%l0: tensor<f32>, %r0: tensor<f32>):
        %c = "stablehlo.maximum"(%l0, %r0) : (tensor<f32>, tensor<f32>) -> tensor<f32>
        "stablehlo.return"(%c) : (tensor<f32>) -> ()
      }) : (tensor<2x3xf32>, tensor<2x3xf32>) -> tensor<2xf32>
      "func.return"(%1) : (tensor<2xf32>) -> ()`;
    const { operations, outputs } = parseModule(text);
    expect(operations).toMatchObject([
      {
        combine: 'maximum',
        attributes: {
          dimensions: [1],
          p: [
            [1, -2],
            [3, 4],
          ],
        },
      },
    ]);
    expect(outputs).toEqual([{ dtype: 'f32', dims: [2] }]);
  });
});

describe('constants in the text', () => {
  it.each([
    ['f32', [1.5], Float32Array, '1.5e+0'],
    ['f32', [-0], Float32Array, '0x80000000'],
    ['f32', [Number.NEGATIVE_INFINITY], Float32Array, '0xFF800000'],
    ['f32', [1e-45], Float32Array, '1.401298464324817e-45'],
    ['i8', [-128, 127], Int8Array, '"0x807F"'],
    ['ui8', [200], Uint8Array, '200'],
    ['i32', [-7], Int32Array, '-7'],
    ['i1', [1], Uint8Array, 'true'],
  ] as const)('%s %j', (dtype, values, Type, text) => {
    const data = new Type(values);
    const value = { dtype, dims: values.length === 1 ? [] : [values.length] };
    expect(denseText(value, data)).toContain(`dense<${text}> : `);
    const read = denseBytes(denseText(value, data), value, Type.BYTES_PER_ELEMENT);
    expect(read).toEqual(new Uint8Array(data.buffer));
  });

  it.each([
    // Halfway between two neighbours: to the even one.
    [1 + 2 ** -8, 0x3f80],
    [1 + 3 * 2 ** -8, 0x3f82],
    [1 + 2 ** -8 + 2 ** -20, 0x3f81],
    [3.4e38, 0x7f80],
    [Number.NaN, 0x7fc0],
    [-0, 0x8000],
  ])('%d as bfloat16', (value, bits) => expect(toBfloat16(value)).toBe(bits));
});

describe('refusals', () => {
  it('names what has no form, and why', async () => {
    const nodes = [node('MaxPool', 'a', 'y i', { kernel_shape: [2, 2] })];
    const model = buildModel({
      name: 'x',
      opset: 16,
      nodes,
      inputs: { a: tensor([1, 1, 2, 2], [1, 2, 3, 4]) },
      types: { i: 'int64' },
    });
    await expect(packaged(model)).rejects.toMatchObject({
      code: 'STABLEHLO_OPERATOR',
      message: 'MaxPool "MaxPool_y": its indices are read',
    });
  });
});

/** One text for another of the same length. */
function replaced(file: Uint8Array, from: string, to: string): Uint8Array {
  const copy = Buffer.from(file);
  copy.write(to, copy.indexOf(from));
  return new Uint8Array(copy);
}
