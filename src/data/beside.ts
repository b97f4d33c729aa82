import { readdirSync, statSync } from 'node:fs';
import { dirname, extname, join } from 'node:path';

const isFolder = (path: string): boolean => statSync(path, { throwIfNoEntry: false })?.isDirectory() ?? false;
const isFile = (path: string): boolean => statSync(path, { throwIfNoEntry: false })?.isFile() ?? false;
const stem = (modelFile: string): string => modelFile.slice(0, modelFile.length - extname(modelFile).length);

/**
 * Calibration samples that lie beside a model: `model.onnx.calibration/` or `model.calibration/`, else the folder of
 * the model when it holds `test_data_set_*` folders and no other model. Undefined when there are none.
 */
export function findSamplesBeside(modelFile: string): string | undefined {
  const named = [`${modelFile}.calibration`, `${stem(modelFile)}.calibration`].find(isFolder);
  if (named) return named;
  const folder = dirname(modelFile);
  const entries = readdirSync(folder);
  if (entries.filter((name) => name.endsWith('.onnx')).length !== 1) return undefined;
  return entries.some((name) => /^test_data_set_\d+$/.test(name) && isFolder(join(folder, name)))
    ? folder
    : undefined;
}

/** `model.onnx.preprocess.json` or `model.preprocess.json`, if there is one. */
export const findPreprocessBeside = (modelFile: string): string | undefined =>
  [`${modelFile}.preprocess.json`, `${stem(modelFile)}.preprocess.json`].find(isFile);

/**
 * Labelled samples that lie beside a model: `model.evaluation/` (or one file `model.evaluation.npy`, `.npz`) and, if
 * there are any, `model.labels.txt`, `.tsv`, `.csv` or `.npy`.
 */
export function findEvaluationBeside(modelFile: string): { samples: string; labels?: string } | undefined {
  const near = (part: string, endings: string[]) =>
    [modelFile, stem(modelFile)].flatMap((base) => endings.map((ending) => `${base}.${part}${ending}`));
  const samples =
    near('evaluation', ['']).find(isFolder) ?? near('evaluation', ['.npy', '.npz']).find(isFile);
  const labels = near('labels', ['.txt', '.tsv', '.csv', '.npy']).find(isFile);
  return samples === undefined ? undefined : { samples, labels };
}
