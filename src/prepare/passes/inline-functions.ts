import { type Diagnostic, invalidError, QuantizeError, unsupportedError } from '../../errors.js';
import {
  allNodes,
  nameAllocator,
  normalDomain,
  opsetVersion,
  qualifiedType,
  subgraphs,
  usedNames,
} from '../../ir/graph.js';
import type { FunctionDef, Graph, Model, Node } from '../../ir/model.js';
import { instantiate } from '../instantiate.js';
import { upgradeOpset } from '../opset/index.js';
import type { Pass } from '../types.js';

/** Thirty functions that each call the next twice would make a billion nodes of a small file. */
const MAX_INLINED_NODES = 1_000_000;

/**
 * 1. A call of a model-local function (by domain, name and overload), also in nested graphs and in functions:
 *    replaced by the body (instantiate.ts), then what that calls.
 * 2. The body imports a lower standard opset: it is upgraded to the model's. A higher one: the model is upgraded.
 *    A domain that the model does not import: imported.
 * 3. The versions cannot be reconciled: the call and its function stay, with a warning.
 * 4. A function that calls itself: FUNCTION_RECURSION. Too many nodes: FUNCTION_EXPANSION.
 */
export const inlineFunctions: Pass = {
  id: 'inline-functions',
  description:
    'Weights and operators inside functions can be calibrated and quantized only where they are called.',
  run(model) {
    if (model.functions.length === 0) return { changes: 0 };
    const inliner = new Inliner(model);
    inliner.raiseOpset();
    inliner.graph(model.graph, []);
    inliner.dropUncalled();
    return { changes: inliner.calls, diagnostics: [...inliner.diagnostics.values()] };
  },
};

const keyOf = (domain: string | undefined, name: string | undefined, overload: string | undefined): string =>
  `${normalDomain(domain)}:${name ?? ''}${overload ? `:${overload}` : ''}`;
const functionKey = (fn: FunctionDef): string => keyOf(fn.domain, fn.name, fn.overload);
const callKey = (node: Node): string => keyOf(node.domain, node.opType, node.overload);

class Inliner {
  calls = 0;
  readonly diagnostics = new Map<string, Diagnostic>();
  private nodes = 0;
  private readonly taken: Set<string>;
  private readonly fresh: (wanted: string) => string;
  private readonly functions: Map<string, FunctionDef>;

  constructor(private readonly model: Model) {
    this.taken = usedNames(model.graph);
    this.fresh = nameAllocator(this.taken);
    this.functions = new Map(model.functions.map((fn) => [functionKey(fn), fn]));
  }

  /** Case 2, higher: no body can be lowered, so the model has to rise. */
  raiseOpset(): void {
    const wanted = Math.max(...[...this.functions.values()].map((fn) => this.version(fn, '')));
    if (wanted <= opsetVersion(this.model)) return;
    try {
      // Inlining edits the model it is given; the upgrade returns a new one. Functions stay as they were.
      Object.assign(this.model, upgradeOpset({ ...this.model, functions: [] }, wanted).model, {
        functions: this.model.functions,
      });
    } catch (error) {
      if (!(error instanceof QuantizeError)) throw error;
    }
  }

  graph(graph: Graph, stack: readonly string[]): void {
    graph.nodes = graph.nodes.flatMap((node) => this.expand(graph, node, stack));
  }

  private expand(graph: Graph, node: Node, stack: readonly string[]): Node[] {
    for (const inner of subgraphs(node)) this.graph(inner, stack);
    const key = callKey(node);
    const fn = this.functions.get(key);
    if (!fn) return [node];
    if (stack.includes(key))
      throw invalidError('FUNCTION_RECURSION', `function ${key} calls itself`, {
        where: { node: node.name },
        hint: 'ONNX forbids recursive functions; export the model without them',
      });
    const body = this.body(graph, fn, node);
    if (!body) return [node];
    this.calls++;
    return body.flatMap((inner) => this.expand(graph, inner, [...stack, key]));
  }

  /** The nodes that stand for a call, at the model's opset; undefined when they cannot. */
  private body(graph: Graph, fn: FunctionDef, call: Node): Node[] | undefined {
    const conflict = this.importDomains(fn);
    if (conflict) return this.keep(fn, conflict);
    const nodes = instantiate(fn, call, this.fresh);
    this.nodes += nodes.length;
    if (this.nodes > MAX_INLINED_NODES)
      throw unsupportedError('FUNCTION_EXPANSION', `functions expand to over ${MAX_INLINED_NODES} nodes`, {
        where: { node: call.name },
      });
    const from = this.version(fn, '');
    return from === opsetVersion(this.model) ? nodes : this.upgrade(graph, fn, nodes, from);
  }

  private upgrade(graph: Graph, fn: FunctionDef, nodes: Node[], from: number): Node[] | undefined {
    const body: Model = {
      irVersion: this.model.irVersion,
      opsetImports: [{ domain: '', version: from }],
      metadata: [],
      functions: [],
      graph: {
        nodes,
        inputs: [],
        outputs: [],
        // Names that the upgrade must not hand out again.
        valueInfo: [...this.taken].map((name) => ({ name })),
        initializers: [],
        sparseInitializers: [],
      },
    };
    try {
      const result = upgradeOpset(body, opsetVersion(this.model)).model.graph;
      for (const name of usedNames(result)) this.taken.add(name);
      graph.initializers.push(...result.initializers);
      return result.nodes;
    } catch (error) {
      if (!(error instanceof QuantizeError)) throw error;
      return this.keep(fn, error.message);
    }
  }

  /** Version that matters for a body: the model's own when the body has no operator of the domain. */
  private version(fn: FunctionDef, domain: string): number {
    const uses = fn.nodes.some((node) =>
      [...allNodes({ ...this.model.graph, nodes: [node] })].some(
        (n) => normalDomain(n.domain) === domain && !this.functions.has(callKey(n)),
      ),
    );
    const stated = fn.opsetImports.find((o) => normalDomain(o.domain) === domain)?.version;
    return uses && stated !== undefined ? stated : opsetVersion(this.model, domain);
  }

  /** Imports what the body needs; the reason when versions conflict. */
  private importDomains(fn: FunctionDef): string | undefined {
    for (const { domain, version } of fn.opsetImports) {
      const name = normalDomain(domain);
      const has = opsetVersion(this.model, name);
      if (has === 0) this.model.opsetImports.push({ domain: name, version });
      else if (this.version(fn, name) > has || (name !== '' && this.version(fn, name) !== has))
        return `it needs version ${version} of domain "${name || 'ai.onnx'}", the model imports ${has}`;
    }
    return undefined;
  }

  private keep(fn: FunctionDef, why: string): undefined {
    const name = qualifiedType({
      opType: fn.name ?? '',
      domain: fn.domain,
      inputs: [],
      outputs: [],
      attributes: [],
    });
    this.diagnostics.set(name, {
      level: 'warning',
      code: 'FUNCTION_KEPT',
      message: `function ${name} is not inlined, so its inside stays in float: ${why}`,
    });
  }

  /** Functions that no remaining call reaches go. */
  dropUncalled(): void {
    const called = new Set<string>();
    const visit = (nodes: Node[]) => {
      for (const node of allNodes({ ...this.model.graph, nodes })) {
        const key = callKey(node);
        const fn = this.functions.get(key);
        if (!fn || called.has(key)) continue;
        called.add(key);
        visit(fn.nodes);
      }
    };
    visit(this.model.graph.nodes);
    this.model.functions = this.model.functions.filter((fn) => called.has(functionKey(fn)));
  }
}
