import { dtypeNumber } from '../ir/dtypes.js';
import { opsetVersion } from '../ir/graph.js';
import type { Graph, Model, ValueInfo } from '../ir/model.js';
import { prune } from '../ir/prune.js';

const OPSET = 21;
const IR = 10;

/** A graph input of known sizes. @param elemType ONNX's number; float32 by default */
export const sizedInput = (
  name: string,
  dims: readonly number[],
  elemType = dtypeNumber('float32'),
): ValueInfo => ({
  name,
  type: { tensor: { elemType, shape: { dims: dims.map((value) => ({ value })) } } },
});

/** A graph of ours made from a model, whose domains it keeps; what `outputs` do not need goes. */
export function assembled(
  model: Model,
  { outputs, ...parts }: Pick<Graph, 'nodes' | 'inputs' | 'initializers'> & { outputs: readonly string[] },
): Model {
  const others = model.opsetImports.filter((o) => o.domain && o.domain !== 'ai.onnx');
  const result: Model = {
    ...model,
    irVersion: Math.max(IR, model.irVersion ?? 0),
    opsetImports: [{ domain: '', version: Math.max(OPSET, opsetVersion(model)) }, ...others],
    functions: [],
    graph: { ...model.graph, ...parts, outputs: outputs.map((name) => ({ name })), valueInfo: [] },
  };
  prune(result.graph);
  return result;
}
