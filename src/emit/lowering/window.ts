import { intAttribute, intsAttribute, stringAttribute } from '../../ir/graph.js';
import type { Node } from '../../ir/model.js';

/** A sliding window with its padding worked out: ONNX's auto_pad and ceil_mode as plain numbers. */
export interface Window {
  kernel: number[];
  strides: number[];
  dilations: number[];
  /** Per axis. */
  begin: number[];
  end: number[];
  /** Cells at the end that only ceil_mode brings in. */
  extra: number[];
}

/** @param input spatial sizes. @param output spatial sizes, as ONNX infers them */
export function windowOf(node: Node, kernel: number[], input: number[], output: number[]): Window {
  const rank = kernel.length;
  const listed = (name: string) => intsAttribute(node, name) ?? Array<number>(rank).fill(1);
  const [strides, dilations] = [listed('strides'), listed('dilations')];
  const span = kernel.map((k, i) => (k - 1) * dilations[i] + 1);
  const needed = output.map((o, i) => (o - 1) * strides[i] + span[i] - input[i]);
  const auto = stringAttribute(node, 'auto_pad', 'NOTSET');
  if (auto.startsWith('SAME')) {
    const total = needed.map((n) => Math.max(n, 0));
    const small = total.map((t) => Math.floor(t / 2));
    const large = total.map((t, i) => t - small[i]);
    const [begin, end] = auto === 'SAME_UPPER' ? [small, large] : [large, small];
    return { kernel, strides, dilations, begin, end, extra: zeros(rank) };
  }
  const pads = auto === 'VALID' ? zeros(2 * rank) : (intsAttribute(node, 'pads') ?? zeros(2 * rank));
  const [begin, end] = [pads.slice(0, rank), pads.slice(rank)];
  const ceil = intAttribute(node, 'ceil_mode', 0) === 1;
  const extra = needed.map((n, i) => (ceil ? Math.max(n - begin[i] - end[i], 0) : 0));
  return { kernel, strides, dilations, begin, end: end.map((e, i) => e + extra[i]), extra };
}

/** `end` below 0: so many cells lie beyond the kernel. */
export function transposedWindow(node: Node, input: number[], kernel: number[], output: number[]): Window {
  const listed = (name: string) => intsAttribute(node, name) ?? kernel.map(() => 1);
  const [strides, dilations] = [listed('strides'), listed('dilations')];
  const cropped = kernel.map((k, i) => (input[i] - 1) * strides[i] + (k - 1) * dilations[i] + 1 - output[i]);
  const begin = cropBegin(node, cropped);
  return {
    kernel,
    strides,
    dilations,
    begin,
    end: cropped.map((n, i) => n - begin[i]),
    extra: zeros(kernel.length),
  };
}

/** What is cropped in front: as stated, or half of it where the output's shape decides (the smaller half for UPPER). */
function cropBegin(node: Node, cropped: number[]): number[] {
  const auto = stringAttribute(node, 'auto_pad', 'NOTSET');
  const pads = intsAttribute(node, 'pads');
  if (auto === 'NOTSET' && !intsAttribute(node, 'output_shape'))
    return pads?.slice(0, cropped.length) ?? zeros(cropped.length);
  if (auto === 'VALID') return zeros(cropped.length);
  const held = cropped.map((n) => Math.max(n, 0));
  return held.map((n) => (auto === 'SAME_UPPER' ? Math.floor(n / 2) : Math.ceil(n / 2)));
}

/** Core ML's order: begin and end of one axis after the other. */
export const interleaved = (begin: number[], end: number[]): number[] => begin.flatMap((b, i) => [b, end[i]]);

export const zeros = (n: number): number[] => Array<number>(n).fill(0);
