import { checkGraph } from '../ir/check.js';
import { countPairs, type LintReport, lint, type Runtime } from '../lint/index.js';
import { loadModel } from '../onnx/index.js';

/**
 * Holds a model file against what a runtime asks.
 * @param shown name of the file in the report
 */
export function lintFile(file: string, runtime: Runtime, shown = file): LintReport {
  const { model } = loadModel(file);
  checkGraph(model);
  return {
    schema: 'onnx-quantize/lint@1',
    file: shown,
    runtime,
    pairs: countPairs(model),
    findings: lint(model, runtime),
  };
}
