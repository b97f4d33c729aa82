import { cloneNode, makeNode } from '../ir/graph.js';
import type { Attribute, FunctionDef, Graph, Node } from '../ir/model.js';

/**
 * The body of a function with the caller's names and attribute values in place:
 * 1. formal inputs and outputs become the caller's values; an omitted optional input becomes "" everywhere;
 * 2. every other name becomes a fresh one, in nested graphs too, so that nothing shadows a name of the caller;
 * 3. an attribute that refers to one of the function's takes the caller's value, else the default, else it goes;
 * 4. an output that is also an input, or is listed twice, is copied by Identity.
 */
export function instantiate(fn: FunctionDef, call: Node, fresh: (wanted: string) => string): Node[] {
  const label = call.name || `${call.opType}_${call.outputs.find((name) => name) ?? ''}`;
  const names = new Map(fn.inputs.map((name, i) => [name, call.inputs[i] ?? '']));
  const copies: Node[] = [];
  for (const [i, formal] of fn.outputs.entries()) {
    const actual = call.outputs[i];
    if (!actual) continue;
    const bound = names.get(formal);
    if (bound === undefined) names.set(formal, actual);
    else copies.push(makeNode('Identity', [bound], [actual]));
  }
  const body = new Body(names, attributeValues(fn, call), (name) => fresh(`${label}_${name}`), label);
  return [...fn.nodes.map((node) => body.node(node)), ...copies];
}

function attributeValues(fn: FunctionDef, call: Node): Map<string, Attribute> {
  const defaults = fn.attributeDefaults.map((a) => [a.name, a] as const);
  return new Map([...defaults, ...call.attributes.map((a) => [a.name, a] as const)]);
}

class Body {
  constructor(
    private readonly names: Map<string, string>,
    private readonly values: Map<string, Attribute>,
    private readonly fresh: (name: string) => string,
    private readonly label: string,
  ) {}

  node(node: Node): Node {
    const copy = cloneNode(node);
    copy.inputs = copy.inputs.map((name) => this.rename(name));
    copy.outputs = copy.outputs.map((name) => this.rename(name));
    copy.attributes = copy.attributes.flatMap((a) => this.attribute(a));
    if (node.name) copy.name = `${this.label}_${node.name}`;
    return copy;
  }

  private rename(name: string): string {
    if (name === '') return '';
    const known = this.names.get(name);
    if (known !== undefined) return known;
    const made = this.fresh(name);
    this.names.set(name, made);
    return made;
  }

  /** A graph that the caller hands over reads the caller's names, so it is not renamed. */
  private attribute(a: Attribute): Attribute[] {
    if (!a.refAttrName)
      return [{ ...a, g: a.g && this.graph(a.g), graphs: a.graphs.map((g) => this.graph(g)) }];
    const value = this.values.get(a.refAttrName);
    return value ? [{ ...value, name: a.name, refAttrName: undefined }] : [];
  }

  private graph(graph: Graph): Graph {
    return {
      ...graph,
      inputs: graph.inputs.map((v) => ({ ...v, name: this.rename(v.name) })),
      initializers: graph.initializers.map((t) => ({ ...t, name: this.rename(t.name ?? '') })),
      sparseInitializers: graph.sparseInitializers.map((t) => ({
        ...t,
        values: t.values && { ...t.values, name: this.rename(t.values.name ?? '') },
      })),
      nodes: graph.nodes.map((node) => this.node(node)),
      outputs: graph.outputs.map((v) => ({ ...v, name: this.rename(v.name) })),
      valueInfo: [],
    };
  }
}
