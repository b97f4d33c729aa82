import { type BlockShape, type ChannelParams, checkBlocks, eachRun } from './blocks.js';
import { type Codec, codecOf, tableOf } from './codec.js';
import { signBit } from './floats.js';
import type { NumberFormat } from './format.js';
import { tableThresholds } from './tables.js';

/** What the codes of a tensor say of it. Shares are 0…1. */
export interface CodeInformation {
  /** 10·log10(Σx² / Σ(x − x̂)²); Infinity without an error. */
  sqnr: number;
  /** Entropy of the codes in bits a value: a deterministic quantizer keeps exactly that of what it reads. */
  entropy: number;
  /** Entropy over the bits of the format. */
  utilisation: number;
  /** Kullback–Leibler divergence in bits of the values' histogram from that of codes spread over their cells. */
  divergence: number;
  /** Values more than half a step beyond the largest or smallest of their grid. */
  clipped: number;
  /** Values that become 0. */
  zeros: number;
}

/** Bins over the range of the values for the divergence: at most, and values for each, so that chance adds 0.01 bits. */
const MOST_BINS = 2048;
const VALUES_A_BIN = 64;
/** Share of an even distribution mixed into the reconstructed one: an empty bin would make the divergence infinite. */
const EVEN = 1e-4;

/**
 * Counts the codes of finite values.
 * @throws RangeError when values, shape and parameters do not belong together
 */
export function codeInformation(
  values: Float32Array,
  shape: BlockShape,
  params: ChannelParams,
  row: NumberFormat,
): CodeInformation {
  checkBlocks(values.length, shape, params);
  const counts = new Float64Array(row.qmax - row.qmin + 1);
  const spread = new SpreadHistogram(values);
  let [signal, noise, clipped, zeros] = [0, 0, 0, 0];
  const cells = new Map<number, Cells>();
  eachRun(shape, (group, start, end) => {
    const scale = params.scales[group];
    const key = cellKey(row, params, group);
    const own = cells.get(key) ?? cellsOf(row, params, group);
    cells.set(key, own);
    for (let i = start; i < end; i++) {
      const x = values[i];
      const u = Math.fround(x / scale);
      const code = own.codec.encode(u);
      const back = own.value(code) * scale;
      counts[code - row.qmin]++;
      signal += x * x;
      noise += (x - back) ** 2;
      if (back === 0) zeros++;
      if (u < own.bottom || u > own.top) clipped++;
      spread.add(own.low(code) * scale, own.high(code) * scale);
    }
  });
  const n = Math.max(1, values.length);
  const entropy = entropyOf(counts);
  return {
    sqnr: noise === 0 ? Infinity : 10 * Math.log10(signal / noise),
    entropy,
    utilisation: entropy / row.bits,
    divergence: spread.divergence(),
    clipped: clipped / n,
    zeros: zeros / n,
  };
}

/** −Σ p·log2 p of counts. */
export function entropyOf(counts: ArrayLike<number>): number {
  let [total, sum] = [0, 0];
  for (let i = 0; i < counts.length; i++) {
    const count = counts[i];
    total += count;
    if (count > 0) sum += count * Math.log2(count);
  }
  return total === 0 ? 0 : Math.max(0, Math.log2(total) - sum / total);
}

/** Where the codes of one group begin and end, in quotients x / s. */
interface Cells {
  codec: Codec;
  value(code: number): number;
  /** Edges of the code's cell. */
  low(code: number): number;
  high(code: number): number;
  /** Beyond these values are clipped. */
  bottom: number;
  top: number;
}

/** Groups of which the key is the same have the same cells: all of them, those of a zero point, or one with its table. */
function cellKey(row: NumberFormat, { zeroPoints }: ChannelParams, group: number): number {
  if (row.kind === 'integer') return zeroPoints[group];
  return row.layout || row.table ? 0 : group;
}

function cellsOf(row: NumberFormat, params: ChannelParams, group: number): Cells {
  const codec = codecOf(row, params, group);
  if (row.kind === 'integer') {
    const half = (code: number, side: number): number => codec.decode(code) + side / 2;
    const ends = { bottom: half(row.qmin, -1), top: half(row.qmax, 1) };
    return {
      codec,
      value: codec.decode,
      low: (code) => half(code, -1),
      high: (code) => half(code, 1),
      ...ends,
    };
  }
  if (row.layout && row.bits > 8) return wideCells(row, codec, signBit(row.layout));
  return tableCells(row, codec, params, group);
}

/** Floats of 16 bits and more: half a step on either side. The step below a power of two counts as the one above it. */
function wideCells(row: NumberFormat, codec: Codec, sign: number): Cells {
  const value = remembered(row, codec);
  const half = (code: number): number => {
    const magnitude = code & (sign - 1);
    const above = value(magnitude + 1);
    return Math.abs((Number.isFinite(above) ? above : value(magnitude - 1)) - value(magnitude)) / 2;
  };
  const low = (code: number): number => value(code) - half(code);
  const high = (code: number): number => value(code) + half(code);
  return { codec, value, low, high, bottom: -row.largest, top: row.largest };
}

/** Values of codes, looked up where there are few enough to be computed once. */
function remembered(row: NumberFormat, codec: Codec): Codec['decode'] {
  if (row.bits > 16) return codec.decode;
  const known = new Float32Array(2 ** row.bits);
  const seen = new Uint8Array(known.length);
  return (code) => {
    if (seen[code] === 0) {
      seen[code] = 1;
      known[code] = codec.decode(code);
    }
    return known[code];
  };
}

/** Thresholds are the edges; the outermost cells reach as far out as they do inwards. */
function tableCells(row: NumberFormat, codec: Codec, params: ChannelParams, group: number): Cells {
  const fixed = row.table || row.layout ? tableOf(row) : undefined;
  const size = 2 ** row.bits;
  const values = fixed?.values ?? params.tables!.subarray(group * size, (group + 1) * size);
  const inner = fixed?.thresholds ?? tableThresholds(values);
  const last = values.length - 1;
  const bottom = 2 * values[0] - (inner[0] ?? values[0]);
  const top = 2 * values[last] - (inner[last - 1] ?? values[last]);
  const edges = [bottom, ...inner, top];
  // The code of −0 is none of the table's: its cell is that of 0, as is that of NaN.
  const ranks = new Uint8Array(size).fill(fixed ? fixed.codes.indexOf(0) : 0);
  for (let rank = 0; rank <= last; rank++) ranks[fixed ? fixed.codes[rank] : rank] = rank;
  const low = (code: number): number => edges[ranks[code]];
  const high = (code: number): number => edges[ranks[code] + 1];
  return { codec, value: remembered(row, codec), low, high, bottom, top };
}

/** Histogram of the values, and of as many even distributions over intervals, in equal bins over the values' range. */
class SpreadHistogram {
  private readonly bins: number;
  private readonly min: number;
  private readonly perUnit: number;
  private readonly exact: Float64Array;
  /** Bin by bin: mass beside that of the density, and the change of the density from here on. */
  private readonly mass: Float64Array;
  private readonly change: Float64Array;
  private total = 0;

  constructor(values: Float32Array) {
    let [min, max] = [Infinity, -Infinity];
    for (const x of values) {
      if (x < min) min = x;
      if (x > max) max = x;
    }
    this.bins = Math.max(1, Math.min(MOST_BINS, Math.floor(values.length / VALUES_A_BIN)));
    this.min = min;
    this.perUnit = max > min ? this.bins / (max - min) : 0;
    this.exact = new Float64Array(this.bins);
    this.mass = new Float64Array(this.bins + 1);
    this.change = new Float64Array(this.bins + 1);
    for (const x of values) this.exact[this.binOf(this.place(x))]++;
  }

  private place = (x: number): number => Math.min(this.bins, Math.max(0, (x - this.min) * this.perUnit));
  private binOf = (place: number): number => Math.min(this.bins - 1, Math.floor(place));

  /** One value spread evenly over [low, high], as far as that lies within the range. */
  add(low: number, high: number): void {
    const [a, b] = [this.place(low), this.place(high)];
    this.total++;
    if (b - a < 1e-9) {
      this.mass[this.binOf(a)]++;
      return;
    }
    const density = 1 / (b - a);
    this.turn(a, density);
    this.turn(b, -density);
  }

  private turn(place: number, density: number): void {
    const bin = this.binOf(place);
    this.mass[bin] += density * (bin + 1 - place);
    this.change[bin + 1] += density;
  }

  /** KL(values ‖ spread) in bits. */
  divergence(): number {
    let [density, sum] = [0, 0];
    for (let bin = 0; bin < this.bins; bin++) {
      density += this.change[bin];
      const p = this.exact[bin] / Math.max(1, this.total);
      const q = (1 - EVEN) * Math.max(0, (density + this.mass[bin]) / this.total) + EVEN / this.bins;
      if (p > 0) sum += p * Math.log2(p / q);
    }
    return Math.max(0, sum);
  }
}
