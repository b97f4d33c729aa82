import type { Attribute, Graph, Model, Node, SparseTensor, Tensor } from './model.js';

/** Every tensor of the model: initializers, attribute values, sparse parts, in nested graphs and functions too. */
export function* allTensors(model: Model): Generator<Tensor> {
  yield* graphTensors(model.graph);
  for (const f of model.functions) {
    for (const a of f.attributeDefaults) yield* attributeTensors(a);
    yield* nodeTensors(f.nodes);
  }
}

/** Every tensor of the graph and of the graphs inside it. */
export function* graphTensors(graph: Graph): Generator<Tensor> {
  yield* graph.initializers;
  for (const sparse of graph.sparseInitializers) yield* sparseParts(sparse);
  yield* nodeTensors(graph.nodes);
}

function* nodeTensors(nodes: readonly Node[]): Generator<Tensor> {
  for (const node of nodes) for (const a of node.attributes) yield* attributeTensors(a);
}

function* attributeTensors(a: Attribute): Generator<Tensor> {
  if (a.t) yield a.t;
  yield* a.tensors;
  if (a.sparseTensor) yield* sparseParts(a.sparseTensor);
  for (const sparse of a.sparseTensors) yield* sparseParts(sparse);
  if (a.g) yield* graphTensors(a.g);
  for (const g of a.graphs) yield* graphTensors(g);
}

function* sparseParts(sparse: SparseTensor): Generator<Tensor> {
  if (sparse.values) yield sparse.values;
  if (sparse.indices) yield sparse.indices;
}
