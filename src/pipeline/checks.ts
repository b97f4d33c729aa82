import { existsSync } from 'node:fs';
import { checkLabels } from '../data/index.js';
import { gateError, usageError } from '../errors.js';
import { parseScheme } from '../plan/index.js';
import { NO_EVIDENCE } from '../verify/index.js';
import type { JobOptions } from './options.js';
import { besideModel, evaluationSet } from './samples.js';

/**
 * Refuses, before any work, what could only fail behind it.
 * @throws QuantizeError LABELS_FORMAT (invalid); LABELS_WITHOUT_SAMPLES, AUTO_WITHOUT_GATE, BUDGET_MISSING, UNKNOWN_SCHEME (usage); ACCURACY_GATE
 * (gate) where there are no samples to pass it on
 */
export async function checkOptions(options: JobOptions): Promise<void> {
  const { maxAccuracyDrop, minSqnr, budget } = options;
  const { samples, labels } = evaluationSet(options);
  const gated = maxAccuracyDrop !== undefined || minSqnr !== undefined;
  if (options.auto && !gated)
    throw usageError('AUTO_WITHOUT_GATE', '--auto climbs until a gate passes, and there is none', {
      hint: 'add --max-accuracy-drop or --min-sqnr',
    });
  if (parseScheme(options.scheme).mixed && !budget && !gated)
    throw usageError('BUDGET_MISSING', 'a mixed scheme needs a budget', {
      hint: 'add --budget size=40% (or latency=…, energy=…), or --max-accuracy-drop for the smallest model that passes',
    });
  if (labels !== undefined) await checkLabels(labels);
  const real = samples ?? options.calibration ?? besideModel(options.model);
  // Of a model that is not there, that is what has to be said.
  if (maxAccuracyDrop !== undefined && !real && !options.keep && existsSync(options.model))
    throw gateError('ACCURACY_GATE', NO_EVIDENCE.message, { hint: NO_EVIDENCE.hint });
}
