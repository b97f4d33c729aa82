import { opsetVersion } from '../../ir/graph.js';
import { upgradeOpset as upgrade } from '../opset/index.js';
import type { Pass } from '../types.js';

/** Runs only when the caller asks for a higher version of the standard domain than the model imports. */
export const upgradeOpset: Pass = {
  id: 'upgrade-opset',
  description: 'Per-axis Q/DQ needs opset 13, FP8 19, 4- and 16-bit 21; older models are rewritten to match.',
  run(model, { opset }) {
    if (opset === undefined || opset <= opsetVersion(model)) return { changes: 0 };
    const result = upgrade(model, opset);
    // Passes edit the model they are given; the upgrade returns a new one.
    Object.assign(model, result.model);
    return { changes: result.changes, diagnostics: result.diagnostics };
  },
};
