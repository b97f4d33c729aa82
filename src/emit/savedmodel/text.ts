import { bytesOf, elementCount } from '../../ir/tensor.js';
import {
  type Attribute,
  type Combine,
  type HloType,
  isStruct,
  type Operation,
  type Program,
  type Value,
} from './program.js';

/** Constants up to this many bytes stand in the text; larger ones are arguments. */
export const INLINE_BYTES = 256;

export const typeText = ({ dtype, dims }: Value): string =>
  `tensor<${dims.map((d) => (d < 0 ? '?x' : `${d}x`)).join('')}${dtype}>`;

/**
 * The module in MLIR's generic form, which every version of the dialect parses alike. Arguments are the inputs, then
 * the weights, in order.
 */
export function moduleText({ inputs, weights, operations, outputs }: Program): string {
  const names = new Map<Value, string>();
  const fresh = (value: Value) => names.set(value, `%${names.size}`).get(value)!;
  const named = (values: readonly Value[]) => values.map((v) => names.get(v)).join(', ');
  const types = (values: readonly Value[]) => `(${values.map(typeText).join(', ')})`;
  const parameters = [...inputs, ...weights.map((w) => w.value)].map((v) => `${fresh(v)}: ${typeText(v)}`);
  const isOpen = inputs.some(({ dims }) => dims.some((d) => d < 0));
  const lines = operations.map((o) => {
    const operands = named(o.operands);
    const results = o.results.map(fresh).join(', ');
    const body = o.combine ? ` ${regionText(o, o.combine)}` : '';
    const resultTypes = o.results.length === 1 ? typeText(o.results[0]) : types(o.results);
    return `    ${results} = "${o.type}"(${operands})${attributesText(o)}${body} : ${types(o.operands)} -> ${resultTypes}`;
  });
  return [
    // Sizes that an input leaves open are worked out when it is known (XlaCallModule, shape refinement).
    isOpen
      ? 'module @onnx_quantize attributes {jax.uses_shape_polymorphism = true} {'
      : 'module @onnx_quantize {',
    `  func.func public @main(${parameters.join(', ')}) -> ${types(outputs)} {`,
    ...lines,
    `    "func.return"(${named(outputs)}) : ${types(outputs)} -> ()`,
    '  }',
    '}',
    '',
  ].join('\n');
}

function attributesText({ attributes }: Operation): string {
  const all = Object.entries(attributes).map(([name, value]) => `${name} = ${attributeText(value)}`);
  return all.length ? ` <{${all.join(', ')}}>` : '';
}

function attributeText(value: Attribute): string {
  if (typeof value === 'string') return value;
  if (typeof value === 'boolean') return String(value);
  if (typeof value === 'number') return `${value} : i64`;
  if (isStruct(value)) {
    const fields = Object.entries(value.fields).map(
      ([k, v]) => `${k} = ${Array.isArray(v) ? `[${v.join(', ')}]` : v}`,
    );
    return `#stablehlo.${value.kind}<${fields.join(', ')}>`;
  }
  if (value.length > 0 && Array.isArray(value[0])) return pairsText(value as number[][]);
  return value.length === 0 ? 'array<i64>' : `array<i64: ${value.join(', ')}>`;
}

const pairsText = (rows: number[][]): string =>
  `dense<[${rows.map((r) => `[${r.join(', ')}]`).join(', ')}]> : tensor<${rows.length}x2xi64>`;

/** A region over scalars of each operand's type; a sort compares the first pair of them. */
function regionText({ type, operands }: Operation, combine: Combine): string {
  const element = typeText({ dtype: operands[0].dtype, dims: [] });
  const pairs = type === 'stablehlo.sort' ? operands : [operands[0]];
  const parameters = pairs.flatMap((v, i) => {
    const each = typeText({ dtype: v.dtype, dims: [] });
    return [`%l${i}: ${each}`, `%r${i}: ${each}`];
  });
  const compares = combine === 'GT' || combine === 'LT';
  const result = compares ? 'tensor<i1>' : element;
  const attributes = compares
    ? ` <{comparison_direction = #stablehlo<comparison_direction ${combine}>}>`
    : '';
  const inner =
    combine === 'second'
      ? []
      : [
          `      %c = "stablehlo.${compares ? 'compare' : combine}"(%l0, %r0)${attributes} : (${element}, ${element}) -> ${result}`,
        ];
  return [
    `({`,
    `    ^bb0(${parameters.join(', ')}):`,
    ...inner,
    `      "stablehlo.return"(${combine === 'second' ? '%r0' : '%c'}) : (${result}) -> ()`,
    '    })',
  ].join('\n');
}

/** Elements of a constant as MLIR writes them: one value, or raw little-endian bytes. */
export function denseText(value: Value, data: ArrayBufferView): string {
  const bytes = bytesOf(data);
  const count = elementCount(value.dims);
  const elements = count === 1 ? scalarText(value.dtype, data) : count === 0 ? '' : `"0x${hex(bytes)}"`;
  return `dense<${elements}> : ${typeText(value)}`;
}

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex').toUpperCase();

function scalarText(dtype: HloType, data: ArrayBufferView): string {
  const bytes = Buffer.from(bytesOf(data));
  if (dtype === 'i1') return String(bytes[0] !== 0);
  if (dtype === 'ui8') return String(bytes[0]);
  if (dtype === 'i64') return String(bytes.readBigInt64LE());
  if (!/^b?f/.test(dtype)) return String(bytes.readIntLE(0, bytes.length));
  const value = dtype === 'f32' ? bytes.readFloatLE() : Number.NaN;
  if (!Number.isFinite(value) || Object.is(value, -0)) return `0x${hex(bytes.reverse())}`;
  return value.toExponential().replace(/^(-?\d+)e/, '$1.0e');
}
