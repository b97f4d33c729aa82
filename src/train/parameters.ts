import { dtypeName } from '../ir/dtypes.js';
import { allGraphs, isOp, subgraphs } from '../ir/graph.js';
import type { Model, Node, Tensor } from '../ir/model.js';
import { elementCount, floatValues } from '../ir/tensor.js';
import type { Place } from './types.js';

/** Inputs that hold what a network learns, by operator. Other constants (bounds, epsilons, factors) are its design. */
const LEARNED: Record<string, number[]> = {
  Conv: [1, 2],
  ConvTranspose: [1, 2],
  Gemm: [1, 2],
  MatMul: [0, 1],
  Add: [0, 1],
  Sub: [0, 1],
  Mul: [0, 1],
  PRelu: [1],
  Gather: [0],
  LayerNormalization: [1, 2],
  InstanceNormalization: [1, 2],
  BatchNormalization: [1, 2],
};
/** Of these, one number for a whole tensor is a factor of the design. */
const ELEMENTWISE = ['Add', 'Sub', 'Mul'];

function learnedInputs(node: Node, constants: ReadonlyMap<string, Tensor>): string[] {
  const inputs = isOp(node, ...Object.keys(LEARNED)) ? LEARNED[node.opType] : [];
  return inputs.flatMap((i) => {
    const tensor = constants.get(node.inputs[i] ?? '');
    if (!tensor || dtypeName(tensor.dataType) !== 'float32') return [];
    return ELEMENTWISE.includes(node.opType) && elementCount(tensor.dims) === 1 ? [] : [tensor.name!];
  });
}

/** The constants that are trained, in the order in which the graph reads them. What nested graphs read is not. */
export function parametersOf({ graph }: Model): Tensor[] {
  const constants = new Map(graph.initializers.map((t) => [t.name ?? '', t]));
  const nested = new Set(
    graph.nodes
      .flatMap((n) => subgraphs(n))
      .flatMap((g) => [...allGraphs(g)].flatMap((x) => x.nodes.flatMap((n) => n.inputs))),
  );
  const outputs = new Set(graph.outputs.map((o) => o.name));
  const names = new Set(graph.nodes.flatMap((node) => learnedInputs(node, constants)));
  return [...names]
    .filter((name) => !nested.has(name) && !outputs.has(name))
    .map((name) => constants.get(name)!);
}

/** Puts values one behind the other. */
export function layOut(values: readonly { name: string; dims: number[] }[]): Place[] {
  let offset = 0;
  return values.map(({ name, dims }) => {
    const size = elementCount(dims);
    const place = { name, dims, offset, size };
    offset += size;
    return place;
  });
}

export const totalOf = (places: readonly Place[]): number => places.reduce((n, { size }) => n + size, 0);

/** The values of constants as one vector. */
export function gather(places: readonly Place[], tensors: readonly Tensor[]): Float32Array {
  const vector = new Float32Array(totalOf(places));
  places.forEach(({ offset }, i) => {
    vector.set(floatValues(tensors[i]), offset);
  });
  return vector;
}

/** Tensors of zeros move in steps of this. */
const LEAST_UNIT = 1e-3;
/** What decides between two codes lies in ±2.5 and has to come from one end to the other in a few dozen steps. */
const UNDECIDED_UNIT = 10;

/**
 * What one step is measured in, for each value: the root mean square of its tensor at the start. Networks of folded
 * BatchNormalization, or of pixels 0…255, have weights of all magnitudes, and one step size must suit them all.
 */
export function unitsOf(
  places: readonly Place[],
  constants: readonly Tensor[],
  undecided: ReadonlySet<string> = new Set(),
): Float32Array {
  const byName = new Map(constants.map((t) => [t.name ?? '', t]));
  const units = new Float32Array(totalOf(places));
  for (const { name, offset, size } of places) {
    if (undecided.has(name)) {
      units.fill(UNDECIDED_UNIT, offset, offset + size);
      continue;
    }
    const power = floatValues(byName.get(name)!).reduce((sum, v) => sum + v * v, 0) / size;
    units.fill(Math.sqrt(power) || LEAST_UNIT, offset, offset + size);
  }
  return units;
}
