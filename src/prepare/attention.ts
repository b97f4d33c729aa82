import { isOp, links, makeNode, nameAllocator, usedNames } from '../ir/graph.js';
import type { Graph, Model, Node } from '../ir/model.js';
import { elementCount } from '../ir/tensor.js';

/**
 * Moves the constant factor of attention from the scores to the queries: (Q · K) · c = (Q · c) · K. TensorRT fuses
 * attention whose scores go straight to the Softmax, and there are fewer queries than scores. Changes the model.
 * @returns how many were moved
 */
export function scaleQueries({ graph }: Model): number {
  const found = factors(graph);
  const fresh = nameAllocator(usedNames(graph));
  for (const { product, factor } of found) {
    const [query] = product.inputs;
    const scaled = fresh(`${query}_scaled`);
    const position = factor.inputs.indexOf(product.outputs[0]);
    const inputs = factor.inputs.map((name, i) => (i === position ? query : name));
    const moved = makeNode(factor.opType, inputs, [scaled], [], { name: fresh(factor.name || scaled) });
    graph.nodes.splice(graph.nodes.indexOf(product), 0, moved);
    product.inputs = [scaled, ...product.inputs.slice(1)];
    product.outputs = [...factor.outputs];
    graph.nodes.splice(graph.nodes.indexOf(factor), 1);
  }
  return found.length;
}

/** Products of two activations, each with the factor that alone reads it on the way to a Softmax. */
function factors(graph: Graph): { product: Node; factor: Node }[] {
  const { uses, outputs, captured, initializer } = links(graph);
  const soleReader = (name: string): Node | undefined => {
    const readers = uses.get(name) ?? [];
    return readers.length === 1 && !outputs.has(name) && !captured.has(name) ? readers[0].node : undefined;
  };
  const leadsToSoftmax = (node: Node | undefined): boolean => {
    if (node === undefined || isOp(node, 'Softmax')) return node !== undefined;
    return isOp(node, 'Add', 'Sub', 'Where', 'Reshape') && leadsToSoftmax(soleReader(node.outputs[0]));
  };
  const isFactor = (node: Node, product: Node): boolean => {
    if (!isOp(node, 'Mul') && !(isOp(node, 'Div') && node.inputs[0] === product.outputs[0])) return false;
    const constant = initializer.get(node.inputs.find((name) => name !== product.outputs[0]) ?? '');
    return constant !== undefined && elementCount(constant.dims) === 1 && constant.dims.length <= 2;
  };
  return graph.nodes.flatMap((product) => {
    if (!isOp(product, 'MatMul') || product.inputs.some((name) => initializer.has(name))) return [];
    const factor = soleReader(product.outputs[0]);
    if (!factor || !isFactor(factor, product)) return [];
    return leadsToSoftmax(soleReader(factor.outputs[0])) ? [{ product, factor }] : [];
  });
}
