import { ATTRIBUTE_TYPES, type Attribute, type Graph, type Model, type Node, type Tensor } from './model.js';

const text = new TextDecoder();
const utf8 = new TextEncoder();

/** The domain as ONNX compares it: "ai.onnx" is "". */
export const normalDomain = (domain: string | undefined): string =>
  domain === 'ai.onnx' ? '' : (domain ?? '');

/** "Conv" for a standard operator, "com.microsoft:FusedConv" for others. */
export const qualifiedType = (node: Node): string => {
  const domain = normalDomain(node.domain);
  return domain === '' ? node.opType : `${domain}:${node.opType}`;
};

/** True for the standard-domain operator `opType`. Narrows only a node that may be missing. */
export function isOp(node: Node, ...opTypes: string[]): boolean;
export function isOp(node: Node | undefined, ...opTypes: string[]): node is Node;
export function isOp(node: Node | undefined, ...opTypes: string[]): boolean {
  return node !== undefined && normalDomain(node.domain) === '' && opTypes.includes(node.opType);
}

/** Imported version of a domain ("" = ai.onnx); 0 when it is not imported. */
export const opsetVersion = (model: Model, domain = ''): number =>
  model.opsetImports.find((o) => normalDomain(o.domain) === domain)?.version ?? 0;

export const attribute = (node: Node, name: string): Attribute | undefined =>
  node.attributes.find((a) => a.name === name);

export function intAttribute(node: Node, name: string, otherwise: number): number {
  const value = attribute(node, name)?.i;
  return value === undefined ? otherwise : Number(value);
}

export const intsAttribute = (node: Node, name: string): number[] | undefined =>
  attribute(node, name)?.ints.map(Number);
export const floatAttribute = (node: Node, name: string, otherwise: number): number =>
  attribute(node, name)?.f ?? otherwise;
export function stringAttribute(node: Node, name: string, otherwise: string): string {
  const value = attribute(node, name)?.s;
  return value === undefined ? otherwise : text.decode(value);
}

const blank = (name: string, type: number): Attribute => ({
  name,
  type,
  floats: [],
  ints: [],
  strings: [],
  tensors: [],
  graphs: [],
  sparseTensors: [],
  typeProtos: [],
});

export const makeAttribute = {
  int: (name: string, i: number): Attribute => ({ ...blank(name, ATTRIBUTE_TYPES.int), i: BigInt(i) }),
  ints: (name: string, ints: number[]): Attribute => ({
    ...blank(name, ATTRIBUTE_TYPES.ints),
    ints: ints.map(BigInt),
  }),
  float: (name: string, f: number): Attribute => ({ ...blank(name, ATTRIBUTE_TYPES.float), f }),
  floats: (name: string, floats: number[]): Attribute => ({ ...blank(name, ATTRIBUTE_TYPES.floats), floats }),
  string: (name: string, s: string): Attribute => ({
    ...blank(name, ATTRIBUTE_TYPES.string),
    s: utf8.encode(s),
  }),
  tensor: (name: string, t: Tensor): Attribute => ({ ...blank(name, ATTRIBUTE_TYPES.tensor), t }),
  graph: (name: string, g: Graph): Attribute => ({ ...blank(name, ATTRIBUTE_TYPES.graph), g }),
};

/** Replaces the attribute of the same name, or adds it. */
export function setAttribute(node: Node, value: Attribute): void {
  const at = node.attributes.findIndex((a) => a.name === value.name);
  if (at >= 0) node.attributes[at] = value;
  else node.attributes.push(value);
}

export function removeAttribute(node: Node, name: string): void {
  node.attributes = node.attributes.filter((a) => a.name !== name);
}

export const makeNode = (
  opType: string,
  inputs: string[],
  outputs: string[],
  attributes: Attribute[] = [],
  extra: { name?: string; domain?: string } = {},
): Node => ({ opType, inputs, outputs, attributes, ...extra });

/** The graphs that a node carries in its attributes (If branches, Loop and Scan bodies). */
export const subgraphs = (node: Node): Graph[] =>
  node.attributes.flatMap((a) => (a.g ? [a.g, ...a.graphs] : a.graphs));

/** Every node of the graph and of all graphs inside it, outer before inner. */
export function* allNodes(graph: Graph): Generator<Node> {
  for (const node of graph.nodes) {
    yield node;
    for (const inner of subgraphs(node)) yield* allNodes(inner);
  }
}

/** Every graph: this one and all inside it. */
export function* allGraphs(graph: Graph): Generator<Graph> {
  yield graph;
  for (const node of graph.nodes) for (const inner of subgraphs(node)) yield* allGraphs(inner);
}

export interface Use {
  node: Node;
  input: number;
}

export interface Links {
  producer: Map<string, Node>;
  /** Direct uses in this graph. */
  uses: Map<string, Use[]>;
  /** Names that a nested graph reads from this one; such a value must keep its name and meaning. */
  captured: Set<string>;
  initializer: Map<string, Tensor>;
  inputs: Set<string>;
  outputs: Set<string>;
}

/** Who makes and who reads each value of one graph. Build it anew after an edit; it costs one walk. */
export function links(graph: Graph): Links {
  const result: Links = {
    producer: new Map(),
    uses: new Map(),
    captured: new Set(),
    initializer: new Map(graph.initializers.map((t) => [t.name ?? '', t])),
    inputs: new Set(graph.inputs.map((v) => v.name)),
    outputs: new Set(graph.outputs.map((v) => v.name)),
  };
  for (const node of graph.nodes) {
    for (const output of node.outputs) if (output) result.producer.set(output, node);
    node.inputs.forEach((name, input) => {
      if (!name) return;
      const uses = result.uses.get(name);
      if (uses) uses.push({ node, input });
      else result.uses.set(name, [{ node, input }]);
    });
    for (const inner of subgraphs(node)) for (const name of freeNames(inner)) result.captured.add(name);
  }
  return result;
}

/** Names that a nested graph reads but does not define: its captures from outer scopes. */
export function freeNames(graph: Graph): Set<string> {
  const defined = new Set<string>([
    ...graph.inputs.map((v) => v.name),
    ...graph.initializers.map((t) => t.name ?? ''),
    ...graph.sparseInitializers.map((t) => t.values?.name ?? ''),
    ...graph.nodes.flatMap((n) => n.outputs),
  ]);
  const free = new Set<string>();
  const read = (name: string) => {
    if (name && !defined.has(name)) free.add(name);
  };
  for (const node of graph.nodes) {
    node.inputs.forEach(read);
    for (const inner of subgraphs(node)) freeNames(inner).forEach(read);
  }
  for (const output of graph.outputs) read(output.name);
  return free;
}

/** The values of this graph in the order in which they come to be: inputs, then what each node makes. */
export const valueNames = (graph: Graph): string[] => [
  ...graph.inputs.map((v) => v.name),
  ...graph.nodes.flatMap((n) => n.outputs),
];

/** Every value name in use anywhere in the model's graph, nested graphs included. */
export function usedNames(graph: Graph): Set<string> {
  const names = new Set<string>();
  for (const g of allGraphs(graph)) {
    for (const v of [...g.inputs, ...g.outputs, ...g.valueInfo]) names.add(v.name);
    for (const t of g.initializers) names.add(t.name ?? '');
    for (const t of g.sparseInitializers) names.add(t.values?.name ?? '');
    for (const n of g.nodes) for (const name of [...n.inputs, ...n.outputs]) names.add(name);
  }
  return names;
}

/** Hands out names that clash with nothing: `fresh("conv_scale")` → "conv_scale", then "conv_scale_1", … */
export function nameAllocator(taken: Set<string>): (wanted: string) => string {
  return (wanted) => {
    let name = wanted;
    for (let i = 1; taken.has(name); i++) name = `${wanted}_${i}`;
    taken.add(name);
    return name;
  };
}

/** Makes every read of `from` (inputs, captures, graph outputs) read `to`, in this graph and inside it. */
export function renameUses(graph: Graph, from: string, to: string): void {
  for (const node of graph.nodes) {
    node.inputs = node.inputs.map((name) => (name === from ? to : name));
    for (const inner of subgraphs(node)) if (freeNames(inner).has(from)) renameUses(inner, from, to);
  }
  for (const output of graph.outputs) if (output.name === from) output.name = to;
}

/** A copy whose arrays and objects may be edited freely; tensor bytes are shared. */
export function cloneModel(model: Model): Model {
  return {
    ...model,
    opsetImports: model.opsetImports.map((o) => ({ ...o })),
    metadata: [...model.metadata],
    functions: [...model.functions],
    graph: cloneGraph(model.graph),
  };
}

export function cloneGraph(graph: Graph): Graph {
  return {
    ...graph,
    nodes: graph.nodes.map(cloneNode),
    inputs: graph.inputs.map((v) => ({ ...v })),
    outputs: graph.outputs.map((v) => ({ ...v })),
    valueInfo: [...graph.valueInfo],
    initializers: [...graph.initializers],
    sparseInitializers: [...graph.sparseInitializers],
  };
}

export const cloneNode = (node: Node): Node => ({
  ...node,
  inputs: [...node.inputs],
  outputs: [...node.outputs],
  attributes: node.attributes.map((a) => ({
    ...a,
    g: a.g && cloneGraph(a.g),
    graphs: a.graphs.map(cloneGraph),
  })),
});
