import { BLOCK_FORMATS, findBlockFormat } from '../../kernels/block-formats.js';
import { FORMATS, findFormat, type NumberFormat } from '../../kernels/formats.js';
import type { Target } from '../../targets/types.js';
import { nearestNames, unsupportedError, usageError } from '../errors.js';
import type { Encoding, Granularity, Scheme } from './types.js';

/** Wider formats are accumulators', and E8M0 has no sign and no zero: none is a weight's. */
const isWeightFormat = (row: NumberFormat): boolean =>
  row.signed || row.kind === 'integer' ? row.kind !== 'integer' || row.bits <= 16 : false;
const WEIGHTS = FORMATS.filter(isWeightFormat);

/** Weights of so many bits and more are there to be multiplied with activations of 8; narrower ones to be stored. */
export const MULTIPLIED_BITS = 7;

/** A cast has no scale, and so no granularity. */
const isCast = (row: NumberFormat): boolean => row.kind === 'float' && !row.scaled;
/** onnxruntime runs a Q/DQ pair of it around activations; pairs of 4 bits it takes for 8-bit ones, and then fails. */
const isActivationFormat = (row: NumberFormat): boolean => row.executable && row.bits <= 16 && row.bits >= 8;

/** What may stand between weights and granularity: so many bits of the target's kind, a format, float, or dynamic. */
const ACTIVATION_TOKENS = new Map<string, Scheme['activations']>([
  ['a2', 'native2'],
  ['a3', 'native3'],
  ['a4', 'native4'],
  ['a8', 'native8'],
  ['a16', 'native16'],
  ['float', 'none'],
  ['dynamic', 'dynamic'],
  ...FORMATS.filter(isActivationFormat).map((f) => [f.id, f.id] as const),
]);

/** What a scheme of many formats is called. */
const MIXED = 'mixed';
/** What `quantize train` takes to train the float model itself. */
const FLOAT: Scheme = {
  name: 'fp32',
  weights: 'int8',
  activations: 'none',
  granularity: { kind: 'perchannel' },
  float: true,
};

/** Schemes besides each format's own that are worth a line in listings. */
const COMBINATIONS: readonly { id: string; description: string }[] = [
  {
    id: 'int8-perlayer',
    description:
      '8-bit weights with one scale a tensor, 8-bit activations: for chips without per-channel scales',
  },
  { id: 'uint8-perlayer', description: 'unsigned 8-bit weights (zero point 128) with one scale a tensor' },
  {
    id: 'int8-float-perchannel',
    description:
      '8-bit weights only, activations stay float: a quarter of the size, needs no calibration data',
  },
  {
    id: 'int8-a16-perchannel',
    description: '8-bit weights, 16-bit activations: for networks that 8-bit activations hurt',
  },
  {
    id: 'int8-dynamic-perchannel',
    description:
      '8-bit weights and activations whose ranges are found at run time: needs no calibration data',
  },
  {
    id: 'int4-a8-perchannel',
    description: '4-bit weights multiplied with 8-bit activations',
  },
];

const WORDS: Record<string, string> = {
  'int8-perchannel': '8-bit weights with one scale an output channel, 8-bit activations: the default',
  'uint8-perchannel': 'unsigned 8-bit weights (zero point 128) with one scale an output channel',
};

/** The scheme that a format is listed under. */
function ownScheme(row: NumberFormat): { id: string; description: string } {
  const id = isCast(row) ? row.id : `${row.id}-${ownGranularity(row)}`;
  return { id, description: WORDS[id] ?? row.description };
}

function ownGranularity(row: NumberFormat): string {
  if (row.id.startsWith('lut')) return 'perlayer';
  if (row.kind === 'log' || row.bits >= MULTIPLIED_BITS) return 'perchannel';
  return row.id === 'nf4' ? 'block64' : 'block32';
}

/** Schemes that `quantize schemes` explains; any other name of the grammar works too. */
export const SCHEMES: readonly { id: string; description: string }[] = [
  ...WEIGHTS.filter((f) => f.id === 'int8').map(ownScheme),
  ...COMBINATIONS,
  ...WEIGHTS.filter((f) => f.id !== 'int8').map(ownScheme),
  ...BLOCK_FORMATS.map(({ id, description }) => ({ id, description })),
];

/** Those that help and completion offer: of families of many widths the usual ones. */
export const FEATURED_SCHEMES: readonly string[] = [
  ...SCHEMES.map((s) => s.id).filter(
    (id) => !/^(u?int[23]|uint16|fp4|fp6|fp8.*fnuz|tf32r|(log|pot)[35678]|lut[135678])/.test(id),
  ),
  MIXED,
];

/**
 * Parses `<weights>[-<activations>]-<granularity>`: `int8-perchannel`, `int4-block32`, `int8-a16-perlayer`. Formats that
 * settle their own scales stand without granularity: `nvfp4`, `mxfp8-float`, `bf16`. `fp32` quantizes nothing.
 *
 * Where the name says nothing of activations: weights of 7 bits and more that chips multiply (integers, FP8) take what
 * the target computes in; narrower ones, blocks and tables are weight-only.
 * @throws QuantizeError UNKNOWN_SCHEME (usage), SCHEME_DYNAMIC (unsupported)
 */
export function parseScheme(name: string): Scheme {
  if (name === FLOAT.name) return FLOAT;
  const [weights, ...rest] = name.split('-');
  if (weights === MIXED) return mixedScheme(name, rest);
  const granularity = ownScales(weights) ?? parseGranularity(rest.pop() ?? '');
  if (!granularity || !isWeights(weights) || rest.length > 1) throw unknownScheme(name);
  const activations = rest.length === 0 ? implied(weights, granularity) : ACTIVATION_TOKENS.get(rest[0]);
  if (activations === undefined) throw unknownScheme(name);
  if (activations === 'dynamic') requireDynamic(name, weights, granularity);
  return { name, weights, activations, granularity };
}

/** `mixed`, or `mixed-a8`, `mixed-a16`, `mixed-float` … for its activations. */
function mixedScheme(name: string, rest: string[]): Scheme {
  const activations = rest.length === 0 ? 'native' : ACTIVATION_TOKENS.get(rest[0]);
  if (activations === undefined || activations === 'dynamic' || rest.length > 1) throw unknownScheme(name);
  return { name, weights: 'int8', activations, granularity: { kind: 'perchannel' }, mixed: true };
}

/** MatMulInteger and ConvInteger take 8-bit codes with one scale a tensor or a channel. */
function requireDynamic(name: string, weights: string, { kind }: Granularity): void {
  if (/^u?int8$/.test(weights) && kind !== 'block') return;
  throw unsupportedError(
    'SCHEME_DYNAMIC',
    `${name}: integer products at run time take weights of 8 bits, not in blocks`,
    {
      hint: 'use int8-dynamic-perchannel or int8-dynamic-perlayer',
    },
  );
}

const isWeights = (id: string): boolean =>
  findBlockFormat(id) !== undefined || WEIGHTS.some((f) => f.id === id);

/** Granularity of a format that needs none said. */
function ownScales(id: string): Granularity | undefined {
  const blocks = findBlockFormat(id);
  if (blocks) return { kind: 'block', size: blocks.block };
  const row = findFormat(id);
  return row && isCast(row) ? { kind: 'none' } : undefined;
}

/** The largest block that ONNX's own tooling expects; beyond it a channel has hardly two scales. */
const MOST_BLOCK = 4096;

function parseGranularity(token: string): Granularity | undefined {
  if (token === 'perlayer' || token === 'perchannel') return { kind: token };
  const size = Number(/^block([1-9]\d*)$/.exec(token)?.[1]);
  return size >= 2 && size <= MOST_BLOCK ? { kind: 'block', size } : undefined;
}

function implied(weights: string, granularity: Granularity): Scheme['activations'] {
  const row = findFormat(weights);
  const multiplied = row?.executable && row.bits >= MULTIPLIED_BITS;
  return multiplied && (granularity.kind === 'perlayer' || granularity.kind === 'perchannel')
    ? 'native'
    : 'none';
}

/** Chips that multiply one of these multiply the other as fast, and targets state one rate; the FNUZ twins are others'. */
const FP8_OF_ONE_RATE = ['fp8', 'fp8e5m2'];

/**
 * What activations are on a target under a scheme. FP8 weights are multiplied with FP8, where the target has a rate for
 * it; where it has none they are weight-only.
 */
export function activationsOn({ weights, activations }: Scheme, target: Target): string {
  const row = findFormat(weights);
  const isFloat = row?.kind === 'float' && row.executable;
  if (activations === 'native') {
    if (!isFloat) return target.activations.format;
    const rate = FP8_OF_ONE_RATE.includes(weights) ? 'fp8' : weights;
    return target.peak[rate] ? weights : 'none';
  }
  const bits = /^native(\d+)$/.exec(activations)?.[1];
  if (bits === undefined) return activations;
  if (isFloat && bits === '8') return weights;
  return `${target.activations.format.startsWith('u') ? 'uint' : 'int'}${bits}`;
}

/**
 * How a model is written where nobody asks: for onnxruntime. For TensorRT activations of FP8 are Q/DQ pairs of that
 * type, which onnxruntime's own optimisations break.
 */
export const usualEncoding = (scheme: Scheme, target: Target): Encoding =>
  target.runtime === 'tensorrt' && findFormat(activationsOn(scheme, target))?.kind === 'float'
    ? 'spec'
    : 'exec';

function unknownScheme(name: string) {
  const [weights, ...rest] = name.split('-');
  const grammar = 'a scheme is <weights>[-<activations>]-<granularity>; `quantize schemes` lists them';
  const own = ownScales(weights);
  if (own && rest.length > 0)
    return usageError('UNKNOWN_SCHEME', `unknown scheme "${name}"`, {
      hint: `${weights} settles its own scales: say ${weights}, or ${weights}-a8 for 8-bit activations`,
    });
  const near = nearestNames(name, candidates(weights), 2);
  return usageError('UNKNOWN_SCHEME', `unknown scheme "${name}"`, {
    hint: `${near.length ? `did you mean ${near.join(' or ')}? ` : ''}${grammar}`,
  });
}

/** The listed names, and those that go on from a format that was named right. */
function candidates(weights: string): string[] {
  const granularities = ['perlayer', 'perchannel', 'block32'];
  const started = isWeights(weights) && !ownScales(weights);
  const own = started
    ? granularities.flatMap((g) => [
        `${weights}-${g}`,
        ...['a8', 'a16', 'float', 'dynamic'].map((a) => `${weights}-${a}-${g}`),
      ])
    : [];
  return [...SCHEMES.map((s) => s.id), ...own];
}
