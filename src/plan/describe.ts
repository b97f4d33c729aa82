import { findBlockFormat } from '../../kernels/block-formats.js';
import { format, type NumberFormat } from '../../kernels/formats.js';
import { formatBits } from '../../kernels/size.js';
import { dtypeBits } from '../ir/dtypes.js';
import { formOf, weightOpset } from './form.js';
import { parseScheme, SCHEMES } from './scheme.js';
import type { Granularity, Scheme } from './types.js';

/** What a scheme means in figures, as `quantize schemes` tells it. */
export interface SchemeFacts {
  scheme: string;
  description: string;
  /** Where it is met. */
  usedIn: string;
  weights: string;
  activations: string;
  scales: string;
  /** Of a value of a weight, scales, zero points and tables counted, in a matrix of SIDE × SIDE. */
  bits: number;
  /** Smallest and largest code or value at scale 1. */
  range: string;
  /** Between neighbouring values. */
  step: string;
  smallest: string;
  largest: string;
  /** How it is written for onnxruntime and for readers of the standard, with the ai.onnx opset that each needs. */
  exec: string;
  spec: string;
}

/** The matrix that bits a value are counted in: per-channel scales cost little in it, as in real layers. */
export const SIDE = 1024;

/** @throws QuantizeError UNKNOWN_SCHEME (usage), SCHEME_DYNAMIC (unsupported) */
export function schemeFacts(name: string): SchemeFacts {
  const scheme = parseScheme(name);
  const block = findBlockFormat(scheme.weights);
  const row = format(block?.element ?? scheme.weights);
  const listed = SCHEMES.find((s) => s.id === name);
  const written = (encoding: 'exec' | 'spec') =>
    `${formOf(scheme.weights, encoding, scheme.activations !== 'none')}, opset ${weightOpset(scheme, encoding)}`;
  return {
    scheme: name,
    description: listed?.description ?? block?.description ?? row.description,
    usedIn: block?.usedIn ?? row.usedIn,
    weights: scheme.weights,
    activations: ACTIVATIONS[scheme.activations] ?? scheme.activations,
    scales: scalesOf(scheme),
    bits: bitsOf(scheme, row),
    ...valuesOf(row),
    exec: written('exec'),
    spec: written('spec'),
  };
}

const ACTIVATIONS: Partial<Record<string, string>> = {
  none: 'float',
  dynamic: '8 bits, range found at run time',
  native: 'what the target computes in',
  native2: '2 bits of the target’s kind',
  native3: '3 bits of the target’s kind',
  native4: '4 bits of the target’s kind',
  native8: '8 bits of the target’s kind',
  native16: '16 bits of the target’s kind',
};

function scalesOf({ weights, granularity }: Scheme): string {
  const block = findBlockFormat(weights);
  if (block)
    return `${block.scale} for ${block.block} values${block.scale === 'fp8' ? ', float32 for the tensor' : ''}`;
  const what = isTable(format(weights)) ? 'a table' : 'float32';
  const whom = { perlayer: 'a tensor', perchannel: 'an output channel', none: '' };
  if (granularity.kind === 'block') return `${what} for ${granularity.size} values`;
  return granularity.kind === 'none' ? 'none' : `${what} for ${whom[granularity.kind]}`;
}

/** Its values are the data's own. */
const isTable = (row: NumberFormat): boolean => row.kind === 'table' && !row.table;

/** Groups of values that share a scale. */
const groupsOf = (granularity: Granularity): number =>
  granularity.kind === 'block'
    ? SIDE * Math.ceil(SIDE / granularity.size)
    : { perlayer: 1, perchannel: SIDE, none: 0 }[granularity.kind];

function bitsOf({ weights, granularity, activations }: Scheme, row: NumberFormat): number {
  if (row.dtype === 'float32') return dtypeBits(row.dtype);
  const asymmetric = !row.signed && activations === 'none';
  return formatBits(weights, SIDE * SIDE, groupsOf(granularity), asymmetric) / (SIDE * SIDE);
}

type Values = Pick<SchemeFacts, 'range' | 'step' | 'smallest' | 'largest'>;

function valuesOf(row: NumberFormat): Values {
  if (row.kind === 'integer')
    return { range: `${row.qmin}…${row.qmax}`, step: '1', smallest: '1', largest: `${row.qmax}` };
  if (isTable(row))
    return { range: 'of the data', step: 'of the data', smallest: 'of the data', largest: 'of the data' };
  const [smallest, largest] = [row.smallest, row.largest].map(figure);
  const step = row.layout
    ? `2^-${row.layout.mantissaBits} of the value`
    : row.kind === 'log'
      ? '×2'
      : 'uneven';
  return { range: `±${largest}`, step, smallest, largest };
}

/** Powers of two by their exponent, what is round as it is, the rest to four digits. */
function figure(value: number): string {
  const exponent = Math.log2(value);
  if (Number.isInteger(exponent) && Math.abs(exponent) > 3) return `2^${exponent}`;
  return String(Number(value.toPrecision(value < 1e6 ? 6 : 4)));
}
