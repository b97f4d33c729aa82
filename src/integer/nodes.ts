import { dtypeNumber } from '../ir/dtypes.js';
import { freeNames, links, subgraphs } from '../ir/graph.js';
import type { Model, Node, Tensor } from '../ir/model.js';
import { openModel } from '../runtime/index.js';
import type { Feeds, Session, TensorValue } from '../runtime/types.js';

/** Runs single nodes of a model in onnxruntime, each in a session of its own that is opened once. */
export class NodeRunner {
  private readonly sessions = new Map<Node, Session>();
  private readonly constants: Map<string, Tensor>;

  constructor(
    private readonly model: Model,
    private readonly threads?: number,
  ) {
    this.constants = links(model.graph).initializer;
  }

  /** @throws QuantizeError as openModel and Session.run */
  async run(node: Node, feeds: Feeds): Promise<Record<string, TensorValue>> {
    let session = this.sessions.get(node);
    if (!session) {
      session = await openModel(this.alone(node, feeds), { optimize: 'disabled', threads: this.threads });
      this.sessions.set(node, session);
    }
    return session.run(feeds);
  }

  async release(): Promise<void> {
    await Promise.all([...this.sessions.values()].map((session) => session.release()));
    this.sessions.clear();
  }

  /** The node as a model: what is fed are its inputs, what is constant comes along. */
  private alone(node: Node, feeds: Feeds): Model {
    const reads = [...node.inputs, ...subgraphs(node).flatMap((graph) => [...freeNames(graph)])];
    const constants = new Set(reads.filter((name) => name && !(name in feeds)));
    return {
      ...this.model,
      graph: {
        name: node.name,
        nodes: [node],
        inputs: Object.entries(feeds).map(([name, { dtype }]) => ({
          name,
          type: { tensor: { elemType: dtypeNumber(dtype) } },
        })),
        outputs: node.outputs.filter(Boolean).map((name) => ({ name })),
        valueInfo: [],
        initializers: [...constants].flatMap((name) => this.constants.get(name) ?? []),
        sparseInitializers: [],
      },
    };
  }
}
