import { type Diagnostic, unsupportedError } from '../../errors.js';
import {
  cloneModel,
  nameAllocator,
  normalDomain,
  opsetVersion,
  subgraphs,
  usedNames,
} from '../../ir/graph.js';
import type { FunctionDef, Graph, Model, Node } from '../../ir/model.js';
import { GraphContext, readNames, type Shared } from './context.js';
import type { Scope } from './facts.js';
import { NORMALISATION } from './normalisation.js';
import { REDUCE } from './reductions.js';
import { REMOVED } from './removed.js';
import { RENAMED } from './renamed.js';
import { RESIZE } from './resize.js';
import { SCAN } from './scan.js';
import { SHAPE_INPUTS } from './shape-inputs.js';
import { SOFTMAX } from './softmax.js';
import type { Adapter } from './types.js';
import { checkTarget, irVersionFor, refuseTooOld, WITHOUT_KERNEL_AT_22 } from './versions.js';

export type { Adapter } from './types.js';

/** Every change of form or meaning from version 8 on. What changed without either is in unchanged.ts. */
export const ADAPTERS: readonly Adapter[] = [
  ...SHAPE_INPUTS,
  ...REDUCE,
  ...RESIZE,
  ...SOFTMAX,
  ...NORMALISATION,
  ...SCAN,
  ...REMOVED,
  ...RENAMED,
];

export interface Upgrade {
  model: Model;
  /** Adapter applications; 0 when only the declared version moved. */
  changes: number;
  diagnostics: Diagnostic[];
}

/**
 * Raises the model's ai.onnx version to `to` (8 to 25), rewriting each operator whose form or meaning changed so
 * that it computes what onnxruntime computed before. A model at or above `to` is returned as it is. Operators of
 * other domains and unknown ones stay. Model functions should be inlined before: they stay as they are, and one
 * that would need an adapter is refused, because onnxruntime reads its body at the version of the model.
 * @throws QuantizeError OPSET_TOO_OLD, OPSET_TARGET, OPSET_FUNCTION, OPSET_TRAINING, OPSET_SCAN_LENGTHS (unsupported)
 */
export function upgradeOpset(model: Model, to: number): Upgrade {
  checkTarget(to);
  const from = opsetVersion(model) || (model.opsetImports.length ? to - 1 : 1);
  if (from >= to) return { model, changes: 0, diagnostics: [] };
  refuseTooOld(model, from);
  for (const fn of model.functions) refuseFunction(fn, from, to);
  const upgraded = cloneModel(model);
  declare(upgraded, to);
  const walk = new Walk(upgraded.graph, from, to);
  walk.graph(upgraded.graph);
  return { model: upgraded, changes: walk.changes, diagnostics: walk.shared.diagnostics };
}

class Walk {
  changes = 0;
  readonly shared: Shared;

  constructor(
    main: Graph,
    private readonly from: number,
    to: number,
  ) {
    const used = readNames(main);
    const fresh = nameAllocator(usedNames(main));
    this.shared = {
      to,
      used,
      diagnostics: [],
      fresh(hint) {
        const name = fresh(hint);
        used.add(name);
        return name;
      },
    };
  }

  /** Inner graphs first, so that an adapter finds them finished. */
  graph(graph: Graph, outer?: Scope): void {
    const context = new GraphContext(graph, this.shared, outer);
    graph.nodes = graph.nodes.flatMap((node) => {
      for (const inner of subgraphs(node)) this.graph(inner, context.scope);
      return this.node(node, this.from, context);
    });
  }

  /** Applies the next change after `version`, then goes on with its results from there. */
  private node(node: Node, version: number, context: GraphContext): Node[] {
    const adapter = nextAdapter(node, version, this.shared.to);
    if (!adapter) {
      this.warnOfKernels(node, context);
      context.scope.define(node);
      return [node];
    }
    this.changes++;
    const { name } = node;
    const made = adapter.adapt(node, context);
    // The name that people know the layer by stays on the node that makes its result.
    if (name && !made.some((n) => n.name === name)) made[made.length - 1].name = name;
    return made.flatMap((n) => this.node(n, adapter.since, context));
  }

  private warnOfKernels(node: Node, context: GraphContext): void {
    if (this.from >= 22 || this.shared.to < 22 || normalDomain(node.domain) !== '') return;
    if (WITHOUT_KERNEL_AT_22.has(node.opType))
      context.warn(
        'OPSET_NO_KERNEL',
        `onnxruntime's CPU provider runs ${node.opType} up to ai.onnx 21 only`,
        node,
      );
  }
}

const BY_OP = new Map<string, Adapter[]>();
for (const adapter of ADAPTERS)
  for (const op of adapter.ops)
    BY_OP.set(
      op,
      [...(BY_OP.get(op) ?? []), adapter].sort((a, b) => a.since - b.since),
    );

const nextAdapter = (node: Node, version: number, to: number): Adapter | undefined =>
  normalDomain(node.domain) === ''
    ? BY_OP.get(node.opType)?.find((a) => a.since > version && a.since <= to)
    : undefined;

/** @throws QuantizeError OPSET_FUNCTION (unsupported) when the function's body would have to change */
function refuseFunction(fn: FunctionDef, modelVersion: number, to: number): void {
  const from = fn.opsetImports.find((o) => normalDomain(o.domain) === '')?.version ?? modelVersion;
  const changing = deepNodes(fn.nodes).find((node) => nextAdapter(node, from, to));
  if (!changing) return;
  throw unsupportedError(
    'OPSET_FUNCTION',
    `function "${fn.name}" uses ${changing.opType} of ai.onnx ${from}, which changed before ${to}`,
    {
      where: { node: changing.name || changing.outputs[0] },
      hint: 'Inline the function, or export the model without functions.',
    },
  );
}

const deepNodes = (nodes: readonly Node[]): Node[] =>
  nodes.flatMap((node) => [node, ...subgraphs(node).flatMap((inner) => deepNodes(inner.nodes))]);

/** Declares the new version and the IR version that goes with it. */
function declare(model: Model, to: number): void {
  model.opsetImports = [
    { domain: '', version: to },
    ...model.opsetImports.filter((o) => normalDomain(o.domain) !== ''),
  ];
  const ir = model.irVersion ?? 0;
  // Before IR 4 every initializer had to be listed as an input and was constant all the same; from 4 on, a listed
  // one may be overridden, and onnxruntime then no longer treats it as a constant.
  if (ir < 4 && irVersionFor(to) >= 4) {
    const constants = new Set(model.graph.initializers.map((t) => t.name));
    model.graph.inputs = model.graph.inputs.filter((v) => !constants.has(v.name));
  }
  model.irVersion = Math.max(ir, irVersionFor(to));
}
