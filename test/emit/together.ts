import type { Model } from '../../src/ir/model.js';
import type { Feeds } from '../../src/runtime/types.js';
import { buildModel } from '../prepare/opset/build.js';
import type { Case } from './mlpackage/cases.js';

/** Many cases side by side in one model, so that it is lowered, compiled and opened once. */
export interface Together {
  opset: number;
  cases: readonly Case[];
  model: Model;
  feeds: Feeds;
}

const opsetOf = (c: Case): number => c.opset ?? 16;

/** One model for each opset that the cases are written in. */
export const together = (all: readonly Case[]): Together[] =>
  [...new Set(all.map(opsetOf))].map((opset) =>
    merged(
      all.filter((c) => opsetOf(c) === opset),
      opset,
    ),
  );

/** The case that an output of the model belongs to. */
export const caseOf = (cases: readonly Case[], output: string): Case =>
  cases[Number(/^c(\d+)\//.exec(output)![1])];

function merged(cases: readonly Case[], opset: number): Together {
  const under = (i: number, name: string) => (name ? `c${i}/${name}` : '');
  const renamed = <T>(i: number, values: Record<string, T> = {}) =>
    Object.fromEntries(Object.entries(values).map(([name, v]) => [under(i, name), v]));
  const parts = cases.map((c, i) => ({
    nodes: c.nodes.map((n) => ({
      ...n,
      inputs: n.inputs.map((name) => under(i, name)),
      outputs: n.outputs.map((name) => under(i, name)),
    })),
    outputs: (c.outputs ?? c.nodes.at(-1)!.outputs.filter(Boolean)).map((name) => under(i, name)),
    inputs: renamed(i, c.inputs),
    constants: renamed(i, c.constants),
    types: renamed(i, c.types),
  }));
  const all = <K extends 'inputs' | 'constants' | 'types'>(key: K) =>
    Object.assign({}, ...parts.map((p) => p[key])) as (typeof parts)[number][K];
  const model = buildModel({
    name: 'together',
    opset,
    nodes: parts.flatMap((p) => p.nodes),
    outputs: parts.flatMap((p) => p.outputs),
    inputs: all('inputs'),
    constants: all('constants'),
    types: all('types'),
  });
  return { opset, cases, model, feeds: all('inputs') };
}
