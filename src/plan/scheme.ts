import { FORMATS } from '../../kernels/formats.js';
import { nearestNames, usageError } from '../errors.js';
import type { Granularity, Scheme } from './types.js';

/** Schemes that `quantize schemes` explains; any other name of the grammar works too. */
export const SCHEMES: readonly { id: string; description: string }[] = [
  {
    id: 'int8-perchannel',
    description: '8-bit weights with one scale an output channel, 8-bit activations: the default',
  },
  {
    id: 'int8-perlayer',
    description:
      '8-bit weights with one scale a tensor, 8-bit activations: for chips without per-channel scales',
  },
  {
    id: 'uint8-perchannel',
    description: 'unsigned 8-bit weights (zero point 128) with one scale an output channel',
  },
  { id: 'uint8-perlayer', description: 'unsigned 8-bit weights (zero point 128) with one scale a tensor' },
  {
    id: 'int8-float-perchannel',
    description:
      '8-bit weights only, activations stay float: a quarter of the size, needs no calibration data',
  },
];

/** What may stand between weights and granularity: 8-bit as the target likes it, a format, or none. */
const ACTIVATION_TOKENS = new Map<string, Scheme['activations']>([
  ['a8', undefined],
  ['int8', 'int8'],
  ['uint8', 'uint8'],
  ['float', 'none'],
]);

const WEIGHT_FORMATS = FORMATS.filter((f) => f.kind === 'integer' && f.bits === 8).map((f) => f.id);

/**
 * Parses `<weights>[-<activations>]-<granularity>`, e.g. `int8-perchannel`, `int8-a8-perlayer`, `int8-float-perchannel`.
 * @throws QuantizeError UNKNOWN_SCHEME (usage)
 */
export function parseScheme(name: string): Scheme {
  const parts = name.split('-');
  const weights = parts[0];
  const granularity = parseGranularity(parts.at(-1) ?? '');
  const middle = parts.slice(1, -1);
  const known = middle.length === 0 || (middle.length === 1 && ACTIVATION_TOKENS.has(middle[0]));
  if (!WEIGHT_FORMATS.includes(weights) || !granularity || !known) throw unknownScheme(name);
  return {
    name,
    weights,
    activations: middle.length ? ACTIVATION_TOKENS.get(middle[0]) : undefined,
    granularity,
  };
}

function parseGranularity(token: string): Granularity | undefined {
  if (token === 'perlayer' || token === 'perchannel') return { kind: token };
  return undefined;
}

function unknownScheme(name: string) {
  const near = nearestNames(
    name,
    SCHEMES.map((s) => s.id),
    2,
  );
  return usageError('UNKNOWN_SCHEME', `unknown scheme "${name}"`, {
    hint: `${near.length ? `did you mean ${near.join(' or ')}? ` : ''}a scheme is <weights>[-<activations>]-<granularity>; \`quantize schemes\` lists them`,
  });
}
