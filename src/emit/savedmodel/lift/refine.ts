import { invalidError } from '../../../errors.js';
import { denseBytes, type Parsed } from '../parse.js';
import { type Attribute, isStruct, type Operation, type Value } from '../program.js';

/**
 * Works out the sizes of a module whose batch is open, from those of its inputs, and turns the operations that take sizes as
 * operands into those that state them: what XLA does before it compiles.
 * @throws QuantizeError PACKAGE_DAMAGED (invalid)
 */
export function refine(module: Parsed, inputs: readonly number[][]): void {
  inputs.forEach((dims, i) => {
    module.parameters[i].dims = dims;
  });
  const known = new Map<Value, number[]>();
  for (const o of module.operations) {
    const sizes = sizesOf(o, known);
    if (sizes) known.set(o.results[0], sizes);
    const rewrite = STATED[o.type];
    if (rewrite)
      rewrite(
        o,
        o.operands.map((v) => known.get(v) ?? []),
      );
    const results = DIMS[o.type];
    o.results.forEach((v, i) => {
      if (v.dims.some((d) => d < 0)) v.dims = results ? results(o) : o.operands[i].dims;
    });
  }
}

/** Elements of what computes sizes. */
function sizesOf(
  { type, operands, results, attributes }: Operation,
  known: Map<Value, number[]>,
): number[] | undefined {
  const given = operands.map((v) => known.get(v));
  switch (type) {
    case 'stablehlo.get_dimension_size':
      return [operands[0].dims[attributes.dimension as number]];
    case 'stablehlo.constant': {
      const [value] = results;
      if (value.dtype !== 'i32' || value.dims.length > 1) return undefined;
      const bytes = denseBytes(String(attributes.value), value, 4);
      return Array.from(new Int32Array(bytes.slice().buffer));
    }
    case 'stablehlo.reshape':
      return given[0];
    case 'stablehlo.multiply':
      return given[0] && given[1] && given[0].map((n, i) => n * given[1]![i]);
    case 'stablehlo.concatenate':
      return given.every((g) => g !== undefined) ? given.flat() : undefined;
    default:
      return undefined;
  }
}

/** Operations that take sizes → those that state them. */
const STATED: Record<string, (o: Operation, sizes: number[][]) => void> = {
  'stablehlo.get_dimension_size': (o) => {
    const [size] = [o.operands[0].dims[o.attributes.dimension as number]];
    replace(o, 'constant', 0, { value: `dense<${size}> : tensor<i32>` });
  },
  'stablehlo.dynamic_reshape': (o, [, sizes]) => resized(o, 'reshape', 1, sizes),
  'stablehlo.dynamic_broadcast_in_dim': (o, [, sizes]) => resized(o, 'broadcast_in_dim', 1, sizes),
  'stablehlo.dynamic_iota': (o, [sizes]) => resized(o, 'iota', 0, sizes),
  'stablehlo.real_dynamic_slice': (o, [, start, limit, strides]) =>
    replace(o, 'slice', 1, { start_indices: start, limit_indices: limit, strides }),
  'stablehlo.dynamic_gather': (o, [, , sizes]) =>
    replace(o, 'gather', 2, { ...o.attributes, slice_sizes: sizes }),
};

function replace(
  o: Operation,
  type: string,
  operands: number,
  attributes: Operation['attributes'] = o.attributes,
): void {
  o.type = `stablehlo.${type}`;
  o.operands = o.operands.slice(0, operands);
  o.attributes = attributes;
}

function resized(o: Operation, type: string, operands: number, sizes: number[]): void {
  replace(o, type, operands);
  o.results[0].dims = sizes;
}

const list = (o: Operation, name: string): number[] => o.attributes[name] as number[];
const pairs = (o: Operation, name: string): number[][] => o.attributes[name] as number[][];
function axes(o: Operation, name: string, field: string): number[] {
  const value: Attribute | undefined = o.attributes[name];
  if (isStruct(value)) return value.fields[field] as number[];
  throw invalidError('PACKAGE_DAMAGED', `${o.type} has no ${name}`);
}

/** Cells of a window along one axis. */
const cells = (size: number, [low, high]: number[], span: number, stride: number): number =>
  Math.floor((size + low + high - span) / stride) + 1;

function windowed(o: Operation): number[] {
  const [kernel, strides, dilations] = ['window_dimensions', 'window_strides', 'window_dilations'].map((n) =>
    list(o, n),
  );
  const padding = pairs(o, 'padding');
  return o.operands[0].dims.map((d, i) =>
    cells(d, padding[i], (kernel[i] - 1) * dilations[i] + 1, strides[i]),
  );
}

/** Sizes of results that are not those of the first operand. */
const DIMS: Record<string, (o: Operation) => number[]> = {
  'stablehlo.select': (o) => o.operands[1].dims,
  'stablehlo.clamp': (o) => o.operands[1].dims,
  'stablehlo.transpose': (o) => list(o, 'permutation').map((p) => o.operands[0].dims[p]),
  'stablehlo.reduce': (o) => o.operands[0].dims.filter((_, i) => !list(o, 'dimensions').includes(i)),
  'stablehlo.concatenate': ({ operands, attributes }) =>
    operands[0].dims.map((d, i) =>
      i === attributes.dimension ? operands.reduce((n, v) => n + v.dims[i], 0) : d,
    ),
  'stablehlo.slice': (o) => {
    const [start, limit, strides] = ['start_indices', 'limit_indices', 'strides'].map((n) => list(o, n));
    return start.map((s, i) => Math.ceil((limit[i] - s) / strides[i]));
  },
  'stablehlo.pad': (o) => {
    const [low, high, interior] = ['edge_padding_low', 'edge_padding_high', 'interior_padding'].map((n) =>
      list(o, n),
    );
    return o.operands[0].dims.map((d, i) => d + low[i] + high[i] + Math.max(0, d - 1) * interior[i]);
  },
  'stablehlo.reduce_window': windowed,
  // Space is fixed; the batch of the input is that of the result.
  'stablehlo.convolution': (o) => [o.operands[0].dims[0], ...o.results[0].dims.slice(1)],
  'stablehlo.dot_general': (o) => {
    const [x, y] = o.operands;
    const numbers = (field: string) => axes(o, 'dot_dimension_numbers', field);
    const batch = numbers('lhs_batching_dimensions');
    const free = (v: Value, side: string) => {
      const used = [...numbers(`${side}_batching_dimensions`), ...numbers(`${side}_contracting_dimensions`)];
      return v.dims.filter((_, i) => !used.includes(i));
    };
    return [...batch.map((i) => x.dims[i]), ...free(x, 'lhs'), ...free(y, 'rhs')];
  },
  'stablehlo.gather': (o) => {
    const [, indices] = o.operands;
    const numbers = (field: string) => axes(o, 'dimension_numbers', field);
    const sizes = list(o, 'slice_sizes').filter((_, i) => !numbers('collapsed_slice_dims').includes(i));
    const at = Number(numbers('index_vector_dim'));
    const outer = indices.dims.filter((_, i) => i !== at);
    const offsets = numbers('offset_dims');
    return o.results[0].dims.map((_, i) => (offsets.includes(i) ? sizes.shift()! : outer.shift()!));
  },
};
