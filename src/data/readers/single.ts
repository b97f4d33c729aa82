import { invalidError } from '../../errors.js';
import type { ValueMeta } from '../../runtime/types.js';
import type { ReadRequest } from './types.js';

/** The one input that a format without names fills. Throws SAMPLE_INPUT (invalid) when there are several. */
export function onlyInput(request: ReadRequest, label: string): ValueMeta {
  if (request.inputs.length === 1) return request.inputs[0];
  const names = request.inputs.map((input) => input.name);
  throw invalidError('SAMPLE_INPUT', `"${label}" does not say which of the inputs ${list(names)} it is for`, {
    where: { file: label },
    hint: `Bind each input: ${names.map((name) => `"${name}=path"`).join(' ')}, or use .npz with these names as keys.`,
  });
}

export const list = (names: string[]): string => names.map((name) => `"${name}"`).join(', ');
