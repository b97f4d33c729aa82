import { invalidError } from '../errors.js';
import type { Model } from '../ir/model.js';
import { openModel } from '../runtime/index.js';
import type { Feeds } from '../runtime/types.js';
import { addSums, emptySums, floatElements, sqnrDb } from './errorsums.js';
import { fetch, tensorOutputs, withSessions } from './sessions.js';
import { lowestSqnr } from './verify.js';

export interface SmokeResult {
  /** Lowest SQNR over float outputs of the optimised run against the plain one; null when they are equal. */
  optimisedSqnrDb: number | null;
}

/** Below this the two runs do not compute the same function: a Q/DQ fusion went wrong or 16-bit sums saturated. */
export const LOWEST_OPTIMISED_SQNR = 6;

/**
 * Opens and runs a model with optimisations off and on, which is the least that must work before success is claimed.
 * @throws QuantizeError MODEL_REJECTED or RUN_FAILED with onnxruntime's reason
 */
export async function smokeRun(model: Model, feeds: Feeds, threads?: number): Promise<SmokeResult> {
  return withSessions(
    [() => openModel(model, { threads, optimize: 'disabled' }), () => openModel(model, { threads })],
    async ([plain, optimised]) => {
      const names = tensorOutputs(plain);
      const x = await fetch(plain, feeds, names);
      const y = await fetch(optimised, feeds, names);
      const figures = names.map((name) => {
        const sums = emptySums();
        const a = floatElements(x[name]);
        const b = floatElements(y[name]);
        if (a && b && a.length === b.length) addSums(sums, a, b);
        return sqnrDb(sums);
      });
      return { optimisedSqnrDb: lowestSqnr(figures) };
    },
  );
}

/** Throws OPTIMISED_DIFFERS (invalid) when onnxruntime's optimisations change what the model computes. */
export function checkSmoke(result: SmokeResult): void {
  const { optimisedSqnrDb } = result;
  if (optimisedSqnrDb === null || optimisedSqnrDb >= LOWEST_OPTIMISED_SQNR) return;
  throw invalidError(
    'OPTIMISED_DIFFERS',
    `the quantized model computes something else with onnxruntime's optimisations on than off: SQNR ${optimisedSqnrDb.toFixed(1)} dB`,
    {
      hint: 'a CPU without VNNI can overflow 16-bit sums of uint8×int8; int8 activations, or another CPU, avoid it',
    },
  );
}
