import { gateError, usageError } from '../errors.js';
import type { Metrics, OutputMetrics } from './types.js';

export interface Gates {
  /** Points of top-1 accuracy that may be lost. */
  maxAccuracyDrop?: number;
  /** Lowest SQNR in dB that every float output must reach. */
  minSqnr?: number;
}

/** Why no gate of accuracy passes without samples. */
export const NO_EVIDENCE = {
  message: 'synthetic inputs are no evidence about accuracy, so no drop can be ruled out',
  hint: 'give real samples with --evaluation (and --labels), or drop --max-accuracy-drop',
};

/**
 * Throws when the quantized model misses a limit.
 *
 * Without labels the accuracy cannot be known, but its drop is at most the share of rows whose best class changed:
 * so agreement within the limit passes, and more disagreement than that fails, since nothing proves the contrary.
 * Synthetic inputs prove nothing about accuracy and cannot pass an accuracy gate.
 * @throws QuantizeError ACCURACY_GATE, SQNR_GATE (gate); ACCURACY_UNKNOWN (usage) when the model is no classifier
 */
export function checkGates(metrics: Metrics, gates: Gates): void {
  if (gates.maxAccuracyDrop !== undefined) checkAccuracy(metrics, gates.maxAccuracyDrop);
  if (gates.minSqnr !== undefined) for (const output of metrics.outputs) checkSqnr(output, gates.minSqnr);
}

function checkAccuracy(metrics: Metrics, limit: number): void {
  if (metrics.evidence === 'synthetic')
    throw gateError('ACCURACY_GATE', NO_EVIDENCE.message, { hint: NO_EVIDENCE.hint });
  const broken = metrics.outputs.find((output) => (output.nonFinite?.quantized ?? 0) > 0);
  if (broken) throw nonFinite('ACCURACY_GATE', broken);
  if (metrics.top1) checkLabelled(metrics.top1.drop, metrics.top1.dropInterval, limit);
  else checkAgreement(metrics, limit);
}

function checkLabelled(drop: number, [low, high]: [number, number], limit: number): void {
  if (drop <= limit) return;
  throw gateError(
    'ACCURACY_GATE',
    `top-1 accuracy fell by ${drop.toFixed(2)} points (95 % interval ${low.toFixed(2)} to ${high.toFixed(2)}), limit ${limit}`,
    {
      hint: 'try more calibration samples, another --method, per-channel weights, or keep sensitive layers in float',
    },
  );
}

function checkAgreement(metrics: Metrics, limit: number): void {
  const output = metrics.outputs.find((o) => o.top1Agreement !== undefined);
  if (!output)
    throw usageError(
      'ACCURACY_UNKNOWN',
      'no output looks like a classifier’s, so there is no accuracy to limit',
      {
        hint: 'use --min-sqnr for models that are not classifiers',
      },
    );
  const disagreement = 100 * (1 - output.top1Agreement!);
  // Half a unit in the last place of a share, so that 1 − 0.995 is the half point that it stands for.
  if (disagreement <= limit + 1e-9) return;
  throw gateError(
    'ACCURACY_GATE',
    `without labels the drop may be as large as the top-1 disagreement, ${disagreement.toFixed(2)} points, limit ${limit}`,
    { where: { tensor: output.output }, hint: 'give --labels to measure the drop itself' },
  );
}

function checkSqnr(output: OutputMetrics, limit: number): void {
  if ((output.nonFinite?.quantized ?? 0) > 0) throw nonFinite('SQNR_GATE', output);
  if (output.shapeMismatches)
    throw gateError(
      'SQNR_GATE',
      `output "${output.output}" has another shape in the quantized model on ${output.shapeMismatches} samples`,
      { where: { tensor: output.output } },
    );
  if (output.sqnrDb === null || output.sqnrDb >= limit) return;
  throw gateError(
    'SQNR_GATE',
    `output "${output.output}" has an SQNR of ${output.sqnrDb.toFixed(2)} dB, limit ${limit} dB`,
    {
      where: { tensor: output.output },
      hint: 'try more calibration samples, another --method, per-channel weights, or keep sensitive layers in float',
    },
  );
}

const nonFinite = (code: string, output: OutputMetrics) =>
  gateError(
    code,
    `output "${output.output}" has ${output.nonFinite!.quantized} NaN or infinite values where the float model has none`,
    { where: { tensor: output.output } },
  );
