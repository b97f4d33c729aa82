/** A package that a runtime loads, as listings, help and paths know it. */
export interface PackageFormat {
  id: string;
  description: string;
  /** How a path says that it is wanted. */
  extension: string;
  /** What runs it, and the float type that it computes in. */
  chip: string;
  float: string;
  /** Options that it alone knows, by their names in a job. */
  options: readonly ('ios' | 'io' | 'image' | 'compute')[];
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
    options: ['ios', 'io', 'image'],
    unverified: [
      'Core ML and the Neural Engine: there is no Mac here, so nothing says that the package runs there, or where',
    ],
  },
  {
    id: 'savedmodel',
    description: 'SavedModel with StableHLO for Cloud TPU, and model.mlir with safetensors beside it',
    extension: '.savedmodel',
    chip: 'the TPU',
    float: 'bfloat16',
    options: ['compute'],
    unverified: [
      'a TPU: there is none here. TensorFlow and JAX run packages in the tests, but not this one: cpu/ is for trying it',
    ],
  },
];

/** The format that a path asks for by its ending; undefined for a plain model. */
export const packageFor = (path: string): PackageFormat | undefined =>
  PACKAGES.find((p) => path.replace(/[\\/]+$/, '').endsWith(p.extension));
