import type { Diagnostic } from '../errors.js';
import type { Dtype } from '../ir/dtypes.js';
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
  /** What the user should know about how the samples are read. */
  diagnostics?: Diagnostic[];
  /** Ids in order, without decoding anything; absent for a stream. */
  ids?(): string[];
  /**
   * A fresh pass over the samples, one at a time; decoding may run ahead by a bounded number.
   * @param wanted samples to decode, by index; the others are skipped at no cost (shards, resuming)
   */
  samples(wanted?: (index: number) => boolean): AsyncIterable<Sample>;
  /** Removes temporary files (standard input, large compressed entries). Safe to call twice. */
  close?(): Promise<void>;
}

/** How an image becomes a tensor: y = (x · scale − mean) / std with x in 0…255. Every field overrides the preset. */
export interface PreprocessOptions {
  /** Id of a row of PRESETS. */
  preset?: string;
  /**
   * `short`: short side to `shortSide`, then a centre crop; `exact`: both sides, aspect ratio not kept;
   * `letterbox`: fit inside and pad at the right and bottom; `none`: the image must have the input's size.
   */
  resize?: 'short' | 'exact' | 'letterbox' | 'none';
  /** Pixels of the short side before the crop; default: input size / cropFraction. */
  shortSide?: number;
  /** Side of the crop relative to the short side, 0 < f ≤ 1. */
  cropFraction?: number;
  /** Grey level 0…255 around a letterboxed image. */
  pad?: number;
  /** Channel order that the model was trained on. */
  color?: 'rgb' | 'bgr';
  scale?: number;
  /** One number, or one for each channel in the model's channel order. */
  mean?: number | number[];
  std?: number | number[];
  /** Default: recognised from the input's shape (the axis of size 1 or 3). */
  layout?: 'nchw' | 'nhwc';
  /** Height and width, where the model's input leaves them open. */
  size?: [number, number];
}

export interface SampleOptions {
  /**
   * Where the samples are: a folder of images, .npy, .npz, or `test_data_set_*`; one such file; "-" for standard
   * input; "input=path" binds a path to one input. Absent or empty: synthetic samples.
   */
  from?: string[];
  /** Element type and shape of one sample in raw binary files. */
  dtype?: Dtype;
  shape?: number[];
  preprocess?: PreprocessOptions;
  /** Use at most this many samples, after skipping `offset`. */
  limit?: number;
  offset?: number;
  /** Seed of synthetic samples. */
  seed?: number;
  /** Sizes for symbolic dimensions of synthetic samples. */
  dims?: Record<string, number>;
  /** What "-" reads; default process.stdin. */
  stdin?: AsyncIterable<Uint8Array>;
}
