/** Whose reading of Q/DQ a model can be held against. */
export interface LintRuntime {
  id: Runtime;
  description: string;
}

export const RUNTIMES = [
  { id: 'tensorrt', description: 'NVIDIA TensorRT 10 and 11, explicit quantization' },
  { id: 'coreml', description: 'Core ML ML Programs of iOS 17 and 18, after conversion' },
  { id: 'tflite', description: 'LiteRT (TFLite) 8-bit specification, after conversion' },
  { id: 'onnxruntime', description: 'onnxruntime, CPU provider' },
] as const;

export type Runtime = (typeof RUNTIMES)[number]['id'];
