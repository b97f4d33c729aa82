import { codeArray } from '../../kernels/codec.js';
import { format } from '../../kernels/formats.js';
import { makeNode } from '../ir/graph.js';
import type { Graph } from '../ir/model.js';
import { floatTensor, makeTensor } from '../ir/tensor.js';
import type { ActivationPlan } from '../plan/types.js';

/** Adds what an activation looks like on its grid to a graph. @returns the name of that value */
export function addView(graph: Graph, activation: ActivationPlan, fresh: (wanted: string) => string): string {
  const { tensor, scale, zeroPoint } = activation;
  const row = format(activation.format);
  const [scaleName, zeroName, codes, view] = ['scale', 'zero', 'codes', 'view'].map((part) =>
    fresh(`${tensor}_probe_${part}`),
  );
  const zero = codeArray(row, 1);
  zero[0] = zeroPoint;
  graph.initializers.push(floatTensor(scaleName, [], [scale]), makeTensor(zeroName, row.dtype, [], zero));
  graph.nodes.push(
    makeNode('QuantizeLinear', [tensor, scaleName, zeroName], [codes]),
    makeNode('DequantizeLinear', [codes, scaleName, zeroName], [view]),
  );
  return view;
}
