import type { Diagnostic } from '../../errors.js';
import type { Model } from '../../ir/model.js';
import type { ValueMeta } from '../../runtime/types.js';
import { type Legality, legality } from './legality.js';
import { liftPackage } from './lift/index.js';
import { lower, type Settings } from './lower.js';
import { type PackageFile, packageFiles } from './package.js';
import type { Program } from './program.js';

export type { Image } from './image.js';
export type { Fallback, Legality } from './legality.js';
export type { Settings } from './lower.js';
export { MAPPED_OPERATORS } from './ops/index.js';
export type { PackageFile } from './package.js';
export type { Ios } from './program.js';

/** A .mlpackage in memory. */
export interface MlPackage {
  program: Program;
  files: PackageFile[];
  legality: Legality;
  diagnostics: Diagnostic[];
  /** What the files say, as an ONNX model. */
  readBack(): Model;
}

/**
 * A Core ML package of a float or Q/DQ model with known shapes: same model, same bytes.
 * @throws QuantizeError COREML_OPERATOR (unsupported), naming the operators that have no form in Core ML
 */
export function makeMlPackage(model: Model, types: Map<string, ValueMeta>, settings: Settings): MlPackage {
  const lowered = lower(model, types, settings);
  const files = packageFiles(lowered);
  return {
    program: lowered.program,
    files,
    legality: legality(lowered.program),
    diagnostics: lowered.diagnostics,
    readBack: () => liftPackage(content(files, 'model.mlmodel')!, content(files, 'weight.bin')),
  };
}

function content(files: readonly PackageFile[], name: string): Uint8Array | undefined {
  const file = files.find((f) => f.path.endsWith(name));
  return file && new Uint8Array(Buffer.concat(file.chunks));
}
