import { type Dtype, dtypeName, dtypeNumber } from '../../ir/dtypes.js';
import {
  attribute,
  isOp,
  makeAttribute,
  makeNode,
  nameAllocator,
  setAttribute,
  usedNames,
} from '../../ir/graph.js';
import type { Graph, Model, Node, Tensor } from '../../ir/model.js';
import { floatTensor, floatValues } from '../../ir/tensor.js';
import { isHalf } from './half-values.js';

/**
 * A model whose values are of 16 bits, as its file states, in float32 with each value rounded to its type where it is
 * made: what onnxruntime runs alike whether it has kernels for that type or not. Changes the model.
 * @returns how many values are rounded
 */
export function widen({ graph }: Model): number {
  const stated = statedTypes(graph);
  const fresh = nameAllocator(usedNames(graph));
  let count = 0;
  graph.initializers = graph.initializers.map(wide);
  graph.nodes = graph.nodes.flatMap((node) => {
    const value = attribute(node, 'value')?.t;
    if (value && isHalf(dtypeName(value.dataType)))
      setAttribute(node, makeAttribute.tensor('value', wide(value)));
    const isCast = isOp(node, 'Cast');
    const after: Node[] = [];
    node.outputs.forEach((output, i) => {
      const type = stated.get(output);
      if (!isHalf(type)) return;
      count++;
      const narrow = isCast ? fresh(`${output}_narrow`) : fresh(`${output}_exact`);
      node.outputs[i] = narrow;
      const rounded = isCast ? narrow : fresh(`${output}_narrow`);
      if (!isCast) after.push(cast(narrow, rounded, type!));
      after.push(cast(rounded, output, 'float32'));
    });
    return [node, ...after];
  });
  const wideType = (elemType: number | undefined) =>
    isHalf(dtypeName(elemType)) ? dtypeNumber('float32') : elemType;
  graph.valueInfo = graph.valueInfo.map((v) =>
    v.type?.tensor
      ? {
          ...v,
          type: { ...v.type, tensor: { ...v.type.tensor, elemType: wideType(v.type.tensor.elemType) } },
        }
      : v,
  );
  return count;
}

const wide = (t: Tensor): Tensor =>
  isHalf(dtypeName(t.dataType)) ? floatTensor(t.name ?? '', t.dims, floatValues(t)) : t;

const cast = (from: string, made: string, to: Dtype): Node =>
  makeNode('Cast', [from], [made], [makeAttribute.int('to', dtypeNumber(to))], {
    name: `${made}_rounding`,
  });

const statedTypes = (graph: Graph): Map<string, Dtype | undefined> =>
  new Map(graph.valueInfo.map((v) => [v.name, dtypeName(v.type?.tensor?.elemType)]));
