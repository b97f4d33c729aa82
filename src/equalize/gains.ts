import { cloneModel, isOp, links, makeNode } from '../ir/graph.js';
import type { Model } from '../ir/model.js';
import { floatTensor } from '../ir/tensor.js';
import type { ValueMeta } from '../runtime/types.js';
import type { Topology } from './types.js';

/** Name of the value that takes the place of `tensor` where linear operators read it. */
export const evened = (tensor: string): string => `${tensor}_evened`;

/**
 * Values that linear operators read and that nothing before them can rescale (behind a SiLU, a GELU, a Softmax). Inputs
 * of the graph are left alone.
 */
export function unmovable(topology: Topology, quantized: ReadonlySet<string>, model: Model): string[] {
  const { producer } = links(model.graph);
  const read = topology.linears
    .filter(({ input }) => !input || input.classes.every((id) => topology.isPinned(id)))
    .map(({ node }) => node.inputs[0]);
  return [...new Set(read)].filter((tensor) => quantized.has(tensor) && producer.has(tensor));
}

/**
 * A copy of the model in which each of `tensors` passes a Mul by ones, one a channel, before the linear operators that
 * read it. It costs one multiplication a value, and gives rescaling a place to put its factors.
 * @returns the types of the new values besides
 */
export function withGains(
  model: Model,
  types: ReadonlyMap<string, ValueMeta>,
  tensors: readonly string[],
): { model: Model; types: Map<string, ValueMeta> } {
  const copy = cloneModel(model);
  const { graph } = copy;
  const { producer, uses, initializer } = links(graph);
  const known = new Map(types);
  for (const tensor of tensors) {
    const meta = types.get(tensor);
    const readers = (uses.get(tensor) ?? []).filter(
      ({ node, input }) => input === 0 && initializer.has(node.inputs[1]) && isOp(node, ...LINEAR),
    );
    const last = readers.some(({ node }) => isOp(node, 'MatMul'));
    const axis = last ? (meta?.dims.length ?? 0) - 1 : 1;
    const channels = meta?.dims[axis];
    if (!meta || typeof channels !== 'number' || !producer.has(tensor)) continue;
    const gain = `${evened(tensor)}_gain`;
    const ones = Array(meta.dims.length - axis - 1).fill(1);
    graph.initializers.push(floatTensor(gain, [channels, ...ones], Array(channels).fill(1)));
    const name = evened(tensor);
    const node = makeNode('Mul', [tensor, gain], [name], [], { name: `${name}_node` });
    graph.nodes.splice(graph.nodes.indexOf(producer.get(tensor)!) + 1, 0, node);
    for (const use of readers) use.node.inputs[0] = name;
    known.set(name, { ...meta, name });
  }
  return { model: copy, types: known };
}

const LINEAR = ['Conv', 'ConvTranspose', 'Gemm', 'MatMul'];
