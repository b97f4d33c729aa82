import { invalidError, unsupportedError } from '../errors.js';
import { allNodes, normalDomain } from '../ir/graph.js';
import type { FunctionDef, Model, Node } from '../ir/model.js';

/** Thirty functions that each call the next twice would make a billion nodes of a small file. */
const MAX_INLINED_NODES = 500_000;

const keyOf = (domain: string | undefined, name: string | undefined, overload: string | undefined): string =>
  `${normalDomain(domain)}:${name ?? ''}${overload ? `:${overload}` : ''}`;

/** What a call must match: domain, name and overload. */
export const functionKey = (fn: FunctionDef): string => keyOf(fn.domain, fn.name, fn.overload);
export const callKey = (node: Node): string => keyOf(node.domain, node.opType, node.overload);

/** Every node of a list and of the graphs nested in it. */
export const deepNodes = (model: Model, nodes: Node[]): Node[] => [...allNodes({ ...model.graph, nodes })];

/**
 * Counts what inlining would make, without making it.
 * @throws QuantizeError FUNCTION_RECURSION (invalid), FUNCTION_EXPANSION (unsupported)
 */
export function checkExpansion(model: Model, functions: ReadonlyMap<string, FunctionDef>): void {
  const sizes = new Map<string, number>();
  const open = new Set<string>();
  const count = (nodes: Node[]): number =>
    deepNodes(model, nodes).reduce((sum, node) => sum + 1 + sizeOf(callKey(node)), 0);
  const sizeOf = (key: string): number => {
    const fn = functions.get(key);
    const known = fn ? sizes.get(key) : 0;
    if (known !== undefined) return known;
    if (open.has(key))
      throw invalidError('FUNCTION_RECURSION', `function ${key} calls itself`, {
        hint: 'ONNX forbids recursive functions; export the model without them',
      });
    open.add(key);
    const size = count(fn!.nodes);
    open.delete(key);
    sizes.set(key, size);
    return size;
  };
  const total = count(model.graph.nodes);
  if (total > MAX_INLINED_NODES)
    throw unsupportedError('FUNCTION_EXPANSION', `the model's functions expand to ${total} nodes`, {
      hint: `export the model without functions; at most ${MAX_INLINED_NODES} nodes are inlined`,
    });
}
