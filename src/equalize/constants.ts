import { links, nameAllocator, usedNames } from '../ir/graph.js';
import type { Model, Node, Tensor } from '../ir/model.js';

/** The constants of a model that is being edited: what is changed for one node stays as it is for all others. */
export class Constants {
  private readonly nodes: Map<string, Node>;
  private readonly tensors: Map<string, Tensor>;
  private readonly uses;
  private readonly fresh;

  constructor(private readonly model: Model) {
    const { graph } = model;
    this.nodes = new Map(graph.nodes.map((n) => [n.outputs[0], n]));
    this.tensors = new Map(graph.initializers.map((t) => [t.name ?? '', t]));
    this.uses = links(graph);
    this.fresh = nameAllocator(usedNames(graph));
  }

  get(name: string | undefined): Tensor | undefined {
    return this.tensors.get(name ?? '');
  }

  /**
   * Has `node`, which may be that of a model that this is a copy of, read `tensor`: in place when a constant of this name
   * is this node's alone, else under a new name.
   */
  put(node: Node, input: number, tensor: Tensor): void {
    const { graph } = this.model;
    const name = tensor.name ?? '';
    const alone =
      this.uses.uses.get(name)?.length === 1 && !this.uses.captured.has(name) && !this.uses.outputs.has(name);
    const at = alone ? graph.initializers.findIndex((t) => t.name === name) : -1;
    if (at >= 0) {
      graph.initializers[at] = tensor;
      return;
    }
    const named = { ...tensor, name: this.fresh(name) };
    graph.initializers.push(named);
    this.nodes.get(node.outputs[0])!.inputs[input] = named.name;
  }
}
