import { makeSavedModel, type SavedModel, type Settings } from '../../../src/emit/savedmodel/index.js';
import type { Model } from '../../../src/ir/model.js';
import { graphInputs, specialize } from '../../../src/prepare/index.js';

/** A package of a model with every open dim taken as 1. */
export async function packaged(model: Model, settings: Settings = {}): Promise<SavedModel> {
  const dims = Object.fromEntries(
    graphInputs(model).map((i) => [i.name, i.dims.map((d) => (typeof d === 'number' && d > 0 ? d : 1))]),
  );
  const special = await specialize(model, dims);
  return makeSavedModel(special.model, special.types, settings);
}
