import type { SensitivityRow } from '../../report/types.js';
import type { Front } from '../../sensitivity/types.js';
import type { Draft } from '../draft.js';
import { placeOf } from './candidates.js';

/** What was measured of a draft's layers on the way to its plan, as reports hold it. */
export function measuredSensitivity({ profile, plan, front }: Pick<Draft, 'profile' | 'plan' | 'front'>): {
  sensitivity?: SensitivityRow[];
  front?: Front;
} {
  const rows = plan.weights.flatMap((w): SensitivityRow[] => {
    const layer = profile?.layers.get(placeOf(w));
    if (!layer) return [];
    const candidates = layer.candidates.map(({ candidate, bytes, localDb, global }) => ({
      ...{ candidate, bytes, localDb },
      outputDb: global.sqnrDb,
    }));
    return [{ node: layer.node, tensor: layer.tensor, format: w.format, candidates }];
  });
  return { ...(rows.length > 0 && { sensitivity: rows }), ...(front && { front }) };
}
