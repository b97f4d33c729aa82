import type { Feeds } from '../runtime/types.js';

/** One calibration or evaluation sample: a value for every graph input, batch dimension included. */
export interface Sample {
  /** Names the sample in messages: a file name, or "labels.npz[17]". */
  id: string;
  /** Position in the whole set, counted before sharding; the shard rule is index % n === i. */
  index: number;
  feeds: Feeds;
}

export interface SampleSource {
  /** "100 images in data/calibration", for reports. */
  description: string;
  /** `synthetic`: made up here; proves nothing about accuracy. */
  kind: 'real' | 'synthetic';
  /** Known for files, unknown for a stream. */
  count?: number;
  /** sha256 over names, sizes and preprocessing; part of the key of statistics. Absent for a stream. */
  hash?: string;
  /** A fresh pass over the samples, one at a time; decoding may run ahead by a bounded number. */
  samples(): AsyncIterable<Sample>;
}
