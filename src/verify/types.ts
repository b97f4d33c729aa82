export interface OutputMetrics {
  output: string;
  /**
   * 10·log10(Σx² / Σ(x−x̂)²) in dB over all samples; null when the two are equal, −300 when the float output is all
   * zero and the other is not. Elements that are not finite on either side are left out and counted in `nonFinite`.
   */
  sqnrDb: number | null;
  cosine: number;
  maxAbsError: number;
  /** Share (0…1) of samples whose best class, and whose best class within the other's best five, agree. Classifiers only. */
  top1Agreement?: number;
  top5Agreement?: number;
  /** Elements that are NaN or infinite: in the float model's output, and in the quantized one's where float is finite. */
  nonFinite?: { float: number; quantized: number };
  /** Classifiers only: mean KL(float ‖ quantized) of the class probabilities in nats. */
  kl?: number;
  /** Bits that a value has at 64 levels in the float model, and how many of them the quantized one tells. */
  entropyBits?: number;
  mutualBits?: number;
  /** Samples whose output had another shape in the quantized model; they are in no figure. */
  shapeMismatches?: number;
}

/** An output that is not a float tensor: class indices, labels, masks. */
export interface ExactOutput {
  output: string;
  /** Share (0…1) of elements that are equal; elements of samples whose shape differs count as unequal. */
  equal: number;
}

export interface AccuracyMetrics {
  /** Share right, 0…1. */
  float: number;
  quantized: number;
  /** Points lost: 100·(float − quantized), with the 95 % interval of the paired difference. */
  drop: number;
  dropInterval: [number, number];
  /** Rows that had a label. */
  rows?: number;
}

/** How well a language model foresees the next token of the samples. */
export interface TokenMetrics {
  output: string;
  /** Tokens that were foreseen or not. */
  positions: number;
  /** Mean negative log-likelihood in nats, and share (0…1) of positions whose likeliest token is the next. */
  float: { nll: number; accuracy: number };
  quantized: { nll: number; accuracy: number };
  /** Share of positions at which both models hold the same token likeliest. */
  agreement: number;
}

export interface Metrics {
  samples: number;
  /** What was compared on; `calibration` and `synthetic` are said loudly. */
  evidence: 'evaluation' | 'calibration' | 'synthetic';
  source: string;
  outputs: OutputMetrics[];
  exactOutputs?: ExactOutput[];
  top1?: AccuracyMetrics;
  top5?: AccuracyMetrics;
  /** Of language models: the first output that speaks of the tokens in the samples. */
  tokens?: TokenMetrics;
  /** Emitted model with optimisations on against off: lowest SQNR of its outputs; null when the two are equal. */
  optimisedSqnrDb: number | null;
  /** Median milliseconds of one sample here, when measured. */
  latency?: LatencyMetrics;
}

export interface LatencyMetrics {
  floatMs: number;
  quantizedMs: number;
  threads: number;
}

/** SQNR of one intermediate tensor that both models have under the same name: error accumulated up to there. */
export interface LayerMetrics {
  tensor: string;
  sqnrDb: number | null;
  maxAbsError: number;
  /** Bits that a value has at 64 levels in the float model, and how many of them the quantized one tells. */
  entropyBits: number;
  mutualBits: number;
  /** KL(float ‖ quantized) in bits of the histograms of their values. */
  divergenceBits: number;
}
