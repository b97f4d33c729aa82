/** A package that a runtime loads, as listings, help and paths know it. */
export interface PackageFormat {
  id: string;
  description: string;
  /** How a path says that it is wanted. */
  extension: string;
  /** What runs it, and the float type that it computes in. */
  chip: string;
  float: string;
  /** Has 8-bit floats for weights. */
  float8?: true;
  /** Sums products of codes in integers, as onnxruntime's own kernels do; the others sum what Q/DQ makes of them. */
  integerSums?: true;
  /** Options that it alone knows, by their names in a job. */
  options: readonly ('ios' | 'io' | 'image' | 'failOnFallback' | 'compute' | 'dynamicBatch')[];
  /** Who has not seen a package when it is written. */
  unverified: string[];
}

/** Facts only: help lists them without loading what makes packages. */
export const PACKAGES: readonly PackageFormat[] = [
  {
    id: 'mlpackage',
    description: 'Core ML ML Program for the Neural Engine, iOS 17 and 18',
    extension: '.mlpackage',
    chip: 'the Neural Engine',
    float: 'float16',
    options: ['ios', 'io', 'image', 'failOnFallback'],
    unverified: [
      'Core ML and the Neural Engine: there is no Mac here, so nothing says that the package runs there, or where',
    ],
  },
  {
    id: 'savedmodel',
    description: 'SavedModel with StableHLO for Cloud TPU, and model.mlir with safetensors beside it',
    extension: '.savedmodel',
    chip: 'the TPU',
    float8: true,
    integerSums: true,
    float: 'bfloat16',
    options: ['compute', 'dynamicBatch'],
    unverified: [
      'a TPU: there is none here. TensorFlow and JAX run packages in the tests, but not this one: cpu/ is for trying it',
    ],
  },
];

/** A model in one file of another form, as listings and help know it. */
export interface Conversion {
  id: 'tensorrt' | 'ort';
  description: string;
  /** Options that it alone knows, by their names in a job. */
  options: readonly 'highPrecision'[];
  /** How a path says that it is wanted; absent where only --to does. */
  extension?: string;
  /** Has operators on codes (QLinearConv); the others have Q/DQ pairs around float ones. */
  onCodes?: true;
  unverified: string[];
}

export const CONVERSIONS: readonly Conversion[] = [
  {
    id: 'tensorrt',
    description: 'Q/DQ ONNX with what TensorRT asks of it: real FP8, float biases, opset 21',
    options: ['highPrecision'],
    unverified: ['TensorRT: there is none here. Its rules are held against the file by `quantize lint`'],
  },
  {
    id: 'ort',
    description: 'onnxruntime’s own format, for phones and browsers',
    options: [],
    extension: '.ort',
    onCodes: true,
    unverified: ['onnxruntime on phones and in browsers: it was loaded on this machine only'],
  },
];

/** The conversion that a path asks for by its ending. */
export const conversionFor = (path: string): Conversion | undefined =>
  CONVERSIONS.find((c) => c.extension && path.endsWith(c.extension));

/** The format that a path asks for by its ending; undefined for a plain model. */
export const packageFor = (path: string): PackageFormat | undefined =>
  PACKAGES.find((p) => path.replace(/[\\/]+$/, '').endsWith(p.extension));
