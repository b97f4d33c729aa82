import { invalidError, nearestNames } from '../errors.js';
import { qualifiedType, subgraphs } from './graph.js';
import type { FunctionDef, Graph, Model, Node } from './model.js';
import { topologicalSort } from './sort.js';
import { tensorBytes } from './tensor.js';
import { allTensors } from './tensors.js';

/**
 * Checks what every later stage takes for granted: each value has one producer, each name that is read exists (here
 * or in an outer graph), and data flows without a cycle. Nodes may come in any order (sort.ts orders them).
 * @throws QuantizeError (invalid) GRAPH_DUPLICATE, GRAPH_DANGLING, GRAPH_CYCLE, naming the node
 */
export function checkGraph(model: Model): void {
  checkScope(graphScope(model.graph));
  for (const f of model.functions) checkScope(functionScope(f));
}

/** The names that a graph can read: its own and those of the graphs around it. */
class Names {
  private readonly own: ReadonlySet<string>;
  private readonly outer?: Names;

  constructor(own: ReadonlySet<string>, outer?: Names) {
    this.own = own;
    this.outer = outer;
  }

  has(name: string): boolean {
    return this.own.has(name) || (this.outer?.has(name) ?? false);
  }

  all(): string[] {
    return [...this.own, ...(this.outer?.all() ?? [])];
  }
}

/** What a graph and a function body have in common: names that come from outside, nodes, and results. */
interface Scope {
  inputs: string[];
  constants: string[];
  nodes: readonly Node[];
  outputs: string[];
}

const graphScope = (graph: Graph): Scope => ({
  inputs: graph.inputs.map((v) => v.name),
  constants: [
    ...graph.initializers.map((t) => t.name ?? ''),
    ...graph.sparseInitializers.map((t) => t.values?.name ?? ''),
  ],
  nodes: graph.nodes,
  outputs: graph.outputs.map((v) => v.name),
});

const functionScope = (f: FunctionDef): Scope => ({
  inputs: f.inputs,
  constants: [],
  nodes: f.nodes,
  outputs: f.outputs,
});

function checkScope(scope: Scope, outer?: Names): void {
  const known = new Names(new Set([...scope.constants, ...producedIn(scope)]), outer);
  for (const node of scope.nodes)
    for (const name of node.inputs) if (name && !known.has(name)) throw dangling(node, name, known);
  for (const name of scope.outputs) if (!known.has(name)) throw missingOutput(name, known);
  const { cycle } = topologicalSort(scope.nodes);
  if (cycle) throw cyclic(cycle);
  for (const node of scope.nodes) for (const inner of subgraphs(node)) checkScope(graphScope(inner), known);
}

/** Inputs and node outputs; each may have one source only. */
function producedIn(scope: Scope): Set<string> {
  const produced = new Set(scope.inputs);
  const constants = new Set(scope.constants);
  for (const node of scope.nodes)
    for (const name of node.outputs) {
      if (!name) continue;
      if (produced.has(name) || constants.has(name)) throw duplicate(node, name);
      produced.add(name);
    }
  return produced;
}

/** `Conv "conv1"`, or what it makes when it has no name. */
export const describeNode = (node: Node): string =>
  `${qualifiedType(node)} ${node.name ? `"${node.name}"` : `that makes "${node.outputs.find(Boolean) ?? ''}"`}`;

const nodeName = (node: Node): string => node.name || (node.outputs.find(Boolean) ?? '');

const suggestion = (name: string, known: Names): string => {
  const near = nearestNames(name, known.all().filter(Boolean), 1);
  return near.length ? `The nearest value is "${near[0]}".` : 'The file is incomplete; export it again.';
};

const duplicate = (node: Node, name: string) =>
  invalidError('GRAPH_DUPLICATE', `value "${name}" has a second source: ${describeNode(node)}`, {
    where: { node: nodeName(node), tensor: name },
    hint: 'In ONNX every value has one source; rename one of them.',
  });

const dangling = (node: Node, name: string, known: Names) =>
  invalidError('GRAPH_DANGLING', `${describeNode(node)} reads "${name}", which nothing makes`, {
    where: { node: nodeName(node), tensor: name },
    hint: suggestion(name, known),
  });

const missingOutput = (name: string, known: Names) =>
  invalidError('GRAPH_DANGLING', `the graph output "${name}" is made by nothing`, {
    where: { tensor: name },
    hint: suggestion(name, known),
  });

function cyclic(cycle: readonly Node[]) {
  const names = cycle.slice(0, 8).map(describeNode);
  const more = cycle.length > names.length ? ` → … ${cycle.length - names.length} more` : '';
  return invalidError('GRAPH_CYCLE', `the graph has a cycle: ${names.join(' → ')}${more} → ${names[0]}`, {
    where: { node: nodeName(cycle[0]) },
    hint: 'ONNX graphs have no cycles; a loop is a Loop or Scan node with a body.',
  });
}

/**
 * Holds every constant against its own declaration, before anything else trusts it; external ones were checked when
 * they were resolved. Views only: nothing is copied but what the file stores as varints.
 * @throws QuantizeError TENSOR_SIZE (invalid), TENSOR_DTYPE (unsupported) naming the tensor
 */
export function checkTensors(model: Model): void {
  for (const tensor of allTensors(model))
    if (!tensor.external && tensor.dataLocation !== 1) tensorBytes(tensor);
}
