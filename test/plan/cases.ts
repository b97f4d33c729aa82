import { makeAttribute, makeNode } from '../../src/ir/graph.js';
import type { Model, Node, Tensor } from '../../src/ir/model.js';
import type { PlanInput } from '../../src/plan/index.js';
import { parseScheme } from '../../src/plan/index.js';
import { inferTypes } from '../../src/prepare/index.js';
import { findTarget } from '../../targets/index.js';
import { model, random, value } from '../prepare/helpers.js';

/** Names nodes after their first output, as the prepare stage does. */
const named = (nodes: Node[]): Node[] => nodes.map((n) => ({ ...n, name: n.name ?? n.outputs[0] }));

export const conv = (x: string, w: string, y: string, bias?: string): Node =>
  makeNode('Conv', [x, w, ...(bias ? [bias] : [])], [y], [makeAttribute.ints('pads', [1, 1, 1, 1])]);

export interface Shape {
  inputs?: Record<string, number[]>;
  outputs: string[];
  nodes: Node[];
  initializers?: Tensor[];
}

/** A small network on an image x [1, 4, 6, 6]; 3×3 weights w*, [4, 4, 3, 3], and biases b*, [4], are made on demand. */
export function network(shape: Shape): Model {
  const given = shape.initializers ?? [];
  const read = new Set(
    shape.nodes.flatMap((n) => n.inputs).filter((n) => /^[wb]\d/.test(n) && !given.some((t) => t.name === n)),
  );
  const made = [...read].map((n, i) => random(n, n.startsWith('w') ? [4, 4, 3, 3] : [4], i + 1));
  return model(
    {
      nodes: named(shape.nodes),
      inputs: Object.entries(shape.inputs ?? { x: [1, 4, 6, 6] }).map(([n, dims]) => value(n, dims)),
      outputs: shape.outputs.map((n) => value(n, undefined)),
      initializers: [...given, ...made],
    },
    { opset: 13 },
  );
}

export async function input(
  m: Model,
  options: { target?: string; scheme?: string; keepFloat?: string[] } = {},
): Promise<PlanInput> {
  return {
    model: m,
    types: await inferTypes(m),
    scheme: parseScheme(options.scheme ?? 'int8-perchannel'),
    target: findTarget(options.target ?? 'cpu')!,
    keepFloat: new Set(options.keepFloat ?? []),
  };
}
