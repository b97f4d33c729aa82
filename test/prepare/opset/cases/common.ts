import { type Case, node, random, tensor } from '../build.js';

export const x = random(2, 3, 4, 5);
export const INFINITE = [Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, -0, 1e-40, 7];
/** float16 bits: -0.1 and 0.7 rounded, their neighbours, 1 and -infinity. */
export const HALVES = [0xae66, 0xae67, 0x399a, 0x3999, 0x3c00, 0xfc00];
export const matrix = random(3, 4);
export const row = tensor([1, 1, 1, 7], [0, 1, 2, 3, 4, 5, 6]);

type Extra = Partial<Case>;
/** A case of one operator on `x`. */
export const one = (
  name: string,
  opset: number,
  op: string,
  attributes: Parameters<typeof node>[3] = {},
  extra: Extra & { reads?: string; makes?: string } = {},
): Case => ({
  name: `${op}-${opset} ${name}`,
  opset,
  nodes: [node(op, extra.reads ?? 'x', extra.makes ?? 'y', attributes)],
  inputs: { x },
  ...extra,
});

export const scales = (values: number[]) => tensor([values.length], values);

export const plane = { inputs: { x: random(1, 2, 5, 7) } };
