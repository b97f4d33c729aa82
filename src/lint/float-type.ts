import { type Dtype, dtypeName } from '../ir/dtypes.js';
import { attribute, isOp } from '../ir/graph.js';
import type { Scope } from './subject.js';

const FLOATS: readonly (Dtype | undefined)[] = ['float32', 'float16', 'bfloat16'];
/** Values so far back say nothing that nearer ones do not. */
const MOST_STEPS = 64;

/** The float type of a value as far as the file tells; undefined otherwise. */
export function floatType(scope: Scope, name: string): Dtype | undefined {
  let at = name;
  for (let step = 0; step < MOST_STEPS; step++) {
    const stated = stateOf(scope, at);
    if (stated) return FLOATS.includes(stated) ? stated : undefined;
    const maker = scope.links.producer.get(at);
    if (!maker) return undefined;
    if (isOp(maker, 'Cast')) return dtypeName(Number(attribute(maker, 'to')?.i ?? 0));
    if (isOp(maker, 'QuantizeLinear')) return undefined;
    // DQ makes the type of its scale; Where decides by its first input and hands on the second.
    const second = isOp(maker, 'DequantizeLinear', 'Where');
    const next = maker.inputs[second ? 1 : 0];
    if (!next) return undefined;
    at = next;
  }
  return undefined;
}

function stateOf(scope: Scope, name: string): Dtype | undefined {
  const constant = scope.constants.get(name);
  if (constant) return dtypeName(constant.dataType);
  const info = [...scope.graph.inputs, ...scope.graph.valueInfo].find((v) => v.name === name);
  return dtypeName(info?.type?.tensor?.elemType);
}
