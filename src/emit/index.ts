import type { Diagnostic } from '../errors.js';
import type { Model } from '../ir/model.js';
import type { Plan } from '../plan/types.js';
import type { Numbers } from '../quantize/types.js';
import type { ValueMeta } from '../runtime/types.js';
import { PACKAGES, type PackageFormat } from './formats.js';
import { type Legality, makeMlPackage, type PackageFile, type Settings } from './mlpackage/index.js';
import { emitQdq } from './qdq.js';
import { makeSavedModel, type Settings as SavedModelSettings, type Tiles } from './savedmodel/index.js';

export {
  CONVERSIONS,
  type Conversion,
  conversionFor,
  PACKAGES,
  type PackageFormat,
  packageFor,
} from './formats.js';
export type { Fallback, Image, Legality } from './mlpackage/index.js';
export { fourBitsAsBytes } from './ort.js';
export { emitQdq } from './qdq.js';
export type { Tiles } from './savedmodel/index.js';
export { emitPackable, type Packable } from './stored.js';
export { executableModel, type Half, narrowed, toTensorrt } from './tensorrt/index.js';

/** A deployable package in memory. */
export interface Package {
  /** Files of a folder, the one that marks its kind first. */
  files: PackageFile[];
  /** What the chip is expected to run of it. */
  legality: Legality;
  /** How products fill the arrays of a chip that pads them. */
  tiles?: Tiles;
  diagnostics: Diagnostic[];
  /** What the files say, as an ONNX model with the interface of the one they were made from. */
  readBack(): Model;
}

export type PackageSettings = Pick<Settings, 'ios' | 'io' | 'image' | 'stored'> &
  Pick<SavedModelSettings, 'compute' | 'batches'>;

/** An export format: the hub format is made from the plan and its numbers, every other from the hub format. */
export interface Emitter {
  id: string;
  description: string;
  extension: string;
  emit?(model: Model, plan: Plan, numbers: Numbers): Model;
  /** @param types of every value of `model`, all dims known */
  pack?: Pack;
}

export type Pack = (model: Model, types: Map<string, ValueMeta>, settings: PackageSettings) => Package;

const packageRow = (id: string, pack: Pack): Emitter => ({ ...PACKAGES.find((p) => p.id === id)!, pack });

/** The registry of export formats; QDQ ONNX is the hub that the others start from. */
export const EMITTERS: readonly Emitter[] = [
  {
    id: 'qdq',
    description: 'ONNX with QuantizeLinear/DequantizeLinear of the standard domain',
    extension: '.onnx',
    emit: emitQdq,
  },
  packageRow('mlpackage', makeMlPackage),
  packageRow('savedmodel', makeSavedModel),
];

/** What makes packages of a format. */
export const packOf = (format: PackageFormat): Pack => EMITTERS.find((e) => e.id === format.id)!.pack!;
export { encodeSidecar, packedSize, packedWeights } from './sidecar.js';
