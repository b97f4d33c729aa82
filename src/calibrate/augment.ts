import { bugError } from '../errors.js';
import { cloneModel, links } from '../ir/graph.js';
import type { Model, ValueInfo } from '../ir/model.js';
import { prune } from '../ir/prune.js';

/**
 * A copy of the model whose outputs are `tensors`, pruned to what they need: onnxruntime runs every node it is given.
 * Graph inputs among `tensors` are left out, since their values are the samples themselves.
 */
export function withOutputs(model: Model, tensors: readonly string[]): Model {
  const copy = cloneModel(model);
  const { graph } = copy;
  const known = new Map<string, ValueInfo>([...graph.valueInfo, ...graph.outputs].map((v) => [v.name, v]));
  const { producer } = links(graph);
  for (const name of tensors)
    if (!producer.has(name))
      throw bugError('CALIBRATE_TENSOR', `no node makes "${name}"`, { where: { tensor: name } });
  graph.outputs = tensors.map((name) => known.get(name) ?? { name });
  prune(graph);
  return copy;
}
