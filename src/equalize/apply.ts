import { cloneModel } from '../ir/graph.js';
import type { Model } from '../ir/model.js';
import { floatTensor, floatValues, makeTensor } from '../ir/tensor.js';
import { Constants } from './constants.js';
import type { Addend, Linear, Rescaling, Slot, Topology } from './types.js';

/** Multiplier of each class; 1 where nothing is said. */
export function multipliers(topology: Topology, rescalings: readonly Rescaling[]): Float64Array {
  const factors = new Float64Array(topology.size).fill(1);
  for (const { tensors, factors: given } of rescalings)
    for (const tensor of tensors) {
      const slot = topology.slots.get(tensor);
      given.forEach((factor, c) => {
        if (slot) factors[slot.classes[c]] = factor;
      });
    }
  return factors;
}

/**
 * A copy of the model in which the channels named are multiplied by their factors: rows of the weights that write
 * them times the factor, columns of the weights that read them divided by it,
 *   W'[o, i] = W[o, i] · m(o) / m(i)        b'[o] = b[o] · m(o)
 * in float64, stored as float32. Values outside those tensors stay what they were within float32 rounding.
 */
export function rescale(model: Model, topology: Topology, rescalings: readonly Rescaling[]): Model {
  const copy = cloneModel(model);
  const edit = new Edit(copy, multipliers(topology, rescalings));
  for (const linear of topology.linears) edit.linear(linear);
  for (const addend of topology.addends) edit.addend(addend);
  return copy;
}

class Edit {
  private readonly constants: Constants;

  constructor(
    model: Model,
    private readonly factors: Float64Array,
  ) {
    this.constants = new Constants(model);
  }

  private of(slot: Slot | undefined): Float64Array | undefined {
    if (!slot) return undefined;
    const found = Float64Array.from(slot.classes, (id) => this.factors[id]);
    return found.every((f) => f === 1) ? undefined : found;
  }

  linear({ node, weight, layout, input, output }: Linear): void {
    const [rows, columns] = [this.of(output), this.of(input)];
    if (!rows && !columns) return;
    const tensor = this.constants.get(weight)!;
    const values = floatValues(tensor).slice();
    const { groups, outputs, inputs, kernel } = layout;
    for (let g = 0; g < groups; g++)
      for (let a = 0; a < outputs; a++)
        for (let b = 0; b < inputs; b++) {
          const up = rows ? rows[g * outputs + a] : 1;
          const factor = columns ? up / columns[g * inputs + b] : up;
          const at = g * layout.groupStride + a * layout.outputStride + b * layout.inputStride;
          for (let k = at; k < at + kernel; k++) values[k] *= factor;
        }
    this.constants.put(node, 1, makeTensor(weight, 'float32', tensor.dims, values));
  }

  addend({ node, input, slot }: Addend): void {
    const factors = this.of(slot);
    const tensor = this.constants.get(node.inputs[input]);
    if (!factors || !tensor) return;
    const values = floatValues(tensor);
    const shared = values.length !== factors.length;
    // One value for all channels becomes one for each, shaped to broadcast along them.
    const dims = shared ? [factors.length, ...Array(slot.rank - slot.axis - 1).fill(1)] : tensor.dims;
    const scaled = Array.from(factors, (factor, c) => factor * values[shared ? 0 : c]);
    this.constants.put(node, input, floatTensor(tensor.name ?? '', dims, scaled));
  }
}
