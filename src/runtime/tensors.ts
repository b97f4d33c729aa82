import type { Dtype } from '../ir/dtypes.js';
import type { TensorValue } from './types.js';

export type Ort = typeof import('onnxruntime-node');
export type OrtTensor = InstanceType<Ort['Tensor']>;

/** onnxruntime-common types its constructor by overloads; the names of its types are ours. */
type Constructor = new (type: string, data: TensorValue['data'], dims: readonly number[]) => OrtTensor;

export const toOrt = (runtime: Ort, value: TensorValue): OrtTensor =>
  new (runtime.Tensor as Constructor)(value.dtype, value.data, value.dims);

export const fromOrt = (tensor: OrtTensor): TensorValue => ({
  dtype: tensor.type as Dtype,
  dims: [...tensor.dims],
  data: tensor.type === 'float16' ? halfBits(tensor.data) : (tensor.data as TensorValue['data']),
});

/** Where the engine has Float16Array, onnxruntime hands out that; here float16 travels as its bits. */
function halfBits(data: unknown): Uint16Array {
  if (data instanceof Uint16Array) return data;
  const view = data as { buffer: ArrayBuffer; byteOffset: number; length: number };
  return new Uint16Array(view.buffer, view.byteOffset, view.length);
}
