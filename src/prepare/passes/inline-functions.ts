import { type Diagnostic, QuantizeError } from '../../errors.js';
import {
  nameAllocator,
  normalDomain,
  opsetVersion,
  qualifiedType,
  subgraphs,
  usedNames,
} from '../../ir/graph.js';
import type { FunctionDef, Graph, Model, Node } from '../../ir/model.js';
import { callKey, checkExpansion, deepNodes, functionKey } from '../expansion.js';
import { instantiate } from '../instantiate.js';
import { upgradeOpset } from '../opset/index.js';
import type { Pass } from '../types.js';

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
    inliner.graph(model.graph);
    inliner.dropUncalled();
    return { changes: inliner.calls, diagnostics: [...inliner.diagnostics.values()] };
  },
};

class Inliner {
  calls = 0;
  readonly diagnostics = new Map<string, Diagnostic>();
  private readonly taken: Set<string>;
  private readonly fresh: (wanted: string) => string;
  private readonly functions: Map<string, FunctionDef>;
  private readonly domains = new Map<FunctionDef, Set<string>>();

  constructor(private readonly model: Model) {
    this.taken = usedNames(model.graph);
    this.fresh = nameAllocator(this.taken);
    this.functions = new Map(model.functions.map((fn) => [functionKey(fn), fn]));
    checkExpansion(model, this.functions);
  }

  /** Case 2, higher: no body can be lowered, so the model has to rise. */
  raiseOpset(): void {
    const wanted = Math.max(...[...this.functions.values()].map((fn) => this.version(fn, '') ?? 0));
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

  graph(graph: Graph): void {
    graph.nodes = graph.nodes.flatMap((node) => this.expand(graph, node));
  }

  private expand(graph: Graph, node: Node): Node[] {
    for (const inner of subgraphs(node)) this.graph(inner);
    const fn = this.functions.get(callKey(node));
    if (!fn) return [node];
    const body = this.body(graph, fn, node);
    if (!body) return [node];
    this.calls++;
    return body.flatMap((inner) => this.expand(graph, inner));
  }

  /** The nodes that stand for a call, at the model's opset; undefined when they cannot. */
  private body(graph: Graph, fn: FunctionDef, call: Node): Node[] | undefined {
    const conflict = this.importDomains(fn);
    if (conflict) return this.keep(fn, conflict);
    const nodes = instantiate(fn, call, this.fresh);
    const from = this.version(fn, '') ?? opsetVersion(this.model);
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

  /** Version that matters for a body; undefined when the body has no operator of the domain, or states none. */
  private version(fn: FunctionDef, domain: string): number | undefined {
    return this.used(fn).has(domain)
      ? fn.opsetImports.find((o) => normalDomain(o.domain) === domain)?.version
      : undefined;
  }

  /** Domains of the operators in a body, calls of functions apart. */
  private used(fn: FunctionDef): Set<string> {
    const known = this.domains.get(fn);
    if (known) return known;
    const operators = deepNodes(this.model, fn.nodes).filter((node) => !this.functions.has(callKey(node)));
    const domains = new Set(operators.map((node) => normalDomain(node.domain)));
    this.domains.set(fn, domains);
    return domains;
  }

  /** Imports what the body needs; the reason when versions conflict. */
  private importDomains(fn: FunctionDef): string | undefined {
    for (const { domain, version } of fn.opsetImports) {
      const name = normalDomain(domain);
      const has = opsetVersion(this.model, name);
      const needs = this.version(fn, name) ?? has;
      if (has === 0) this.model.opsetImports.push({ domain: name, version });
      else if (needs > has || (name !== '' && needs !== has))
        return `it needs version ${needs} of domain "${name || 'ai.onnx'}", the model imports ${has}`;
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
      for (const node of deepNodes(this.model, nodes)) {
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
