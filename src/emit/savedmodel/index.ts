import type { Diagnostic } from '../../errors.js';
import type { Model } from '../../ir/model.js';
import type { ValueMeta } from '../../runtime/types.js';
import type { Legality, PackageFile } from '../mlpackage/index.js';
import { placement, type Tiles, tiles } from './advice.js';
import { openBatch } from './dynamic.js';
import { liftPackage } from './lift/index.js';
import { type Lowered, lower, type Settings } from './lower.js';
import { FILES, packageFiles } from './package.js';

export type { PaddedLayer, Tiles } from './advice.js';
export type { Compute } from './context.js';
export type { Settings } from './lower.js';
export { MAPPED_OPERATORS } from './ops/index.js';
export { FILES } from './package.js';

/** A SavedModel with its module beside it, in memory. */
export interface SavedModel {
  lowered: Lowered;
  files: PackageFile[];
  legality: Legality;
  tiles: Tiles;
  diagnostics: Diagnostic[];
  /** What the SavedModel says, as an ONNX model. */
  readBack(): Model;
}

/**
 * A SavedModel of a float or Q/DQ model with known shapes: same model, same bytes.
 * @throws QuantizeError STABLEHLO_OPERATOR (unsupported), naming the operators that have no form in StableHLO
 */
export function makeSavedModel(model: Model, types: Map<string, ValueMeta>, settings: Settings): SavedModel {
  const lowered = lower(model, types, settings);
  const [a, b] = settings.batches?.map((s) => lower(s.model, s.types, settings)) ?? [];
  const files = packageFiles(a ? openBatch(a, b) : lowered);
  const saved = () => new Uint8Array(Buffer.concat(files.find((f) => f.path === FILES.tpu)!.chunks));
  return {
    lowered,
    files,
    legality: placement(lowered.program),
    tiles: tiles(lowered.program),
    diagnostics: [],
    readBack: () => liftPackage(saved(), lowered),
  };
}
