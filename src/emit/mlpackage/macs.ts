import { elementCount } from '../../ir/tensor.js';
import { argument, type Operation, type Program } from './program.js';

/** Multiply-accumulates of an operation; 0 for what multiplies no matrices. */
export function macsOf(o: Operation): number {
  const dims = (name: string) => argument(o, name)?.dims ?? [];
  const out = elementCount(o.outputs[0].dims);
  switch (o.type) {
    case 'conv':
      return out * elementCount(dims('weight').slice(1));
    case 'conv_transpose':
      return elementCount(dims('x')) * elementCount(dims('weight').slice(1));
    case 'linear':
      return out * dims('weight')[1];
    case 'matmul':
      return out * (dims('x').at(-1) ?? 1);
    case 'lstm':
    case 'gru': {
      const [steps, batch] = dims('x');
      const back = argument(o, 'weight_ih_back') ? 2 : 1;
      return steps * batch * back * (elementCount(dims('weight_ih')) + elementCount(dims('weight_hh')));
    }
    default:
      return 0;
  }
}

export const totalMacs = (program: Program): number => program.operations.reduce((n, o) => n + macsOf(o), 0);
