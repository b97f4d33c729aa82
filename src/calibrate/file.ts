import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { open, realpath, rename, rm, stat, writeFile } from 'node:fs/promises';
import { gunzipSync, gzipSync } from 'node:zlib';
import { BUCKETS } from '../../kernels/histogram.js';
import { invalidError, type QuantizeError, usageError } from '../errors.js';
import { requireModel } from './merge.js';
import { size } from './runs.js';
import { MAX_EXTREMES, type Stats, type TensorStats } from './types.js';

const SCHEMA = 'onnx-quantize/stats@1';
/** A tensor takes a few hundred kilobytes of JSON at most; this allows ten thousand of them. */
const MAX_JSON_BYTES = 1.5e9;

interface TensorJson extends Omit<TensorStats, 'min' | 'max' | 'positive' | 'negative' | 'extremes'> {
  /** Null when no finite value was seen. */
  min: number | null;
  max: number | null;
  /** Bucket and count in turn, for the buckets that hold something; absent when only ranges were gathered. */
  positive?: number[];
  negative?: number[];
  /** Index, minimum and maximum in turn. */
  extremes: number[];
}

/** Statistics as the bytes of a file: gzip'd JSON with sparse histograms. Same statistics, same bytes. */
export function encodeStats(stats: Stats): Uint8Array {
  const tensors = [...stats.tensors]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, t]) => [name, toJson(t)]);
  // In this order, whoever made the object: a merge gives the bytes that one run gives.
  const { modelHash, settingsHash, kind, source, samples, sampleCount } = stats;
  const header = { schema: SCHEMA, modelHash, settingsHash, kind, source, samples, sampleCount };
  return gzipSync(JSON.stringify({ ...header, tensors }), { level: 6 });
}

function toJson(stats: TensorStats): TensorJson {
  const { count, nan, inf, firstBadSample, firstBadIndex, positive, negative, extremes, min, max } = stats;
  return {
    ...{ count, nan, inf, firstBadSample, firstBadIndex },
    min: Number.isFinite(min) ? min : null,
    max: Number.isFinite(max) ? max : null,
    ...(positive.length > 0 && { positive: sparse(positive), negative: sparse(negative) }),
    extremes: extremes.flatMap((e) => [e.index, e.min, e.max]),
  };
}

function sparse(counts: Float64Array): number[] {
  const pairs: number[] = [];
  counts.forEach((count, bucket) => {
    if (count > 0) pairs.push(bucket, count);
  });
  return pairs;
}

/** @throws STATS_FORMAT, STATS_DAMAGED (invalid), naming `file` */
export function decodeStats(bytes: Uint8Array, file?: string): Stats {
  if (bytes[0] !== 0x1f || bytes[1] !== 0x8b) throw bad('STATS_FORMAT', file, 'is not a statistics file');
  let json: Stats & { schema: unknown; tensors: [string, TensorJson][] } & object;
  try {
    json = JSON.parse(gunzipSync(bytes, { maxOutputLength: MAX_JSON_BYTES }).toString());
  } catch (cause) {
    throw bad('STATS_DAMAGED', file, `cannot be unpacked: ${cause instanceof Error ? cause.message : cause}`);
  }
  if (json?.schema !== SCHEMA) throw bad('STATS_FORMAT', file, `is not of the schema ${SCHEMA}`);
  const stats = readFields(json as unknown as Record<string, unknown>);
  if (!stats) throw bad('STATS_DAMAGED', file, 'has missing or impossible fields');
  return stats;
}

function readFields(json: Record<string, unknown>): Stats | undefined {
  const { modelHash, settingsHash, kind, source, samples, tensors } = json;
  const words = [modelHash, settingsHash, source].every((v) => typeof v === 'string');
  if (!words || (kind !== 'real' && kind !== 'synthetic') || !areRuns(samples) || !Array.isArray(tensors))
    return undefined;
  const read = new Map<string, TensorStats>();
  for (const entry of tensors) {
    const stats = Array.isArray(entry) && typeof entry[0] === 'string' ? fromJson(entry[1]) : undefined;
    if (!stats) return undefined;
    read.set(entry[0], stats);
  }
  const strings = { modelHash, settingsHash, source } as Record<
    'modelHash' | 'settingsHash' | 'source',
    string
  >;
  return { ...strings, kind, samples, sampleCount: size(samples), tensors: read };
}

function areRuns(value: unknown): value is [number, number][] {
  let previous = -2;
  const follows = ([first, last]: number[]) => {
    const good = isCount(first) && isCount(last) && first > previous + 1 && last >= first;
    previous = last;
    return good;
  };
  return Array.isArray(value) && value.every((run) => Array.isArray(run) && run.length === 2 && follows(run));
}

const isCount = (value: unknown): value is number => Number.isSafeInteger(value) && (value as number) >= 0;

function fromJson(json: TensorJson | null): TensorStats | undefined {
  if (!json || ![json.count, json.nan, json.inf].every(isCount)) return undefined;
  const positive = dense(json.positive);
  const negative = dense(json.negative);
  const extremes = triples(json.extremes);
  const bounds = [json.min, json.max].every((v) => v === null || Number.isFinite(v));
  if (!positive || !negative || !extremes || !bounds) return undefined;
  return {
    count: json.count,
    min: json.min ?? Number.POSITIVE_INFINITY,
    max: json.max ?? Number.NEGATIVE_INFINITY,
    nan: json.nan,
    inf: json.inf,
    ...(isCount(json.firstBadIndex) && {
      firstBadSample: String(json.firstBadSample),
      firstBadIndex: json.firstBadIndex,
    }),
    positive,
    negative,
    extremes,
  };
}

function dense(pairs: unknown): Float64Array | undefined {
  if (pairs === undefined) return new Float64Array(0);
  if (!Array.isArray(pairs) || pairs.length % 2 !== 0 || !pairs.every(isCount)) return undefined;
  const counts = new Float64Array(BUCKETS);
  for (let i = 0; i < pairs.length; i += 2) {
    if (pairs[i] >= BUCKETS) return undefined;
    counts[pairs[i]] = pairs[i + 1];
  }
  return counts;
}

function triples(flat: unknown): TensorStats['extremes'] | undefined {
  if (!Array.isArray(flat) || flat.length % 3 !== 0 || flat.length > 3 * MAX_EXTREMES) return undefined;
  if (!flat.every((v) => Number.isFinite(v))) return undefined;
  return Array.from({ length: flat.length / 3 }, (_, i) => ({
    index: flat[3 * i],
    min: flat[3 * i + 1],
    max: flat[3 * i + 2],
  }));
}

/**
 * Reads a statistics file.
 * @param modelHash refuse the statistics of any other model
 * @throws STATS_NOT_FOUND, STATS_FORMAT, STATS_DAMAGED, STATS_OTHER_MODEL (invalid)
 */
export function readStats(file: string, modelHash?: string): Stats {
  let bytes: Uint8Array;
  try {
    bytes = readFileSync(file);
  } catch (cause) {
    throw bad('STATS_NOT_FOUND', file, `cannot be read: ${cause instanceof Error ? cause.message : cause}`);
  }
  const stats = decodeStats(bytes, file);
  if (modelHash !== undefined) requireModel(stats, modelHash, file);
  return stats;
}

/**
 * Writes a statistics file so that it is either whole or untouched. What a link leads to is replaced, not the link; a
 * device or pipe is written directly. Throws STATS_WRITE (usage).
 */
export async function writeStats(stats: Stats, file: string): Promise<void> {
  const before = await stat(file).catch(() => undefined);
  const target = before ? await realpath(file) : file;
  const temporary = `${target}.${randomBytes(4).toString('hex')}.tmp`;
  try {
    if (before && !before.isFile() && !before.isDirectory()) return await writeFile(file, encodeStats(stats));
    const handle = await open(temporary, 'wx');
    try {
      await handle.writeFile(encodeStats(stats));
      await handle.sync();
    } finally {
      await handle.close();
    }
    await rename(temporary, target);
  } catch (cause) {
    await rm(temporary, { force: true });
    throw usageError(
      'STATS_WRITE',
      `cannot write "${file}": ${cause instanceof Error ? cause.message : cause}`,
      {
        where: { file },
        cause,
      },
    );
  }
}

const bad = (code: string, file: string | undefined, what: string): QuantizeError =>
  invalidError(code, `${file ? `"${file}"` : 'the data'} ${what}`, {
    where: { file },
    hint: 'Statistics files come from `quantize calibrate`; run it again.',
  });
