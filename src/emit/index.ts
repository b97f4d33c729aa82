import type { Model } from '../ir/model.js';
import type { Plan } from '../plan/types.js';
import type { Numbers } from '../quantize/types.js';
import { emitQdq } from './qdq.js';

/** An export format: makes a model (or package) in memory from the prepared model, the plan and the numbers. */
export interface Emitter {
  id: string;
  description: string;
  extension: string;
  emit(model: Model, plan: Plan, numbers: Numbers): Model;
}

/** The registry of export formats; QDQ ONNX is the hub that the others start from. */
export const EMITTERS: readonly Emitter[] = [
  {
    id: 'qdq',
    description: 'ONNX with QuantizeLinear/DequantizeLinear of the standard domain',
    extension: '.onnx',
    emit: emitQdq,
  },
];

export const findEmitter = (id: string): Emitter | undefined => EMITTERS.find((e) => e.id === id);
export { emitQdq } from './qdq.js';
