export interface OutputMetrics {
  output: string;
  /** 10·log10(Σx² / Σ(x−x̂)²) in dB over all samples; null when the two are equal. */
  sqnrDb: number | null;
  cosine: number;
  maxAbsError: number;
  /** Share (0…1) of samples whose best class, and whose best class within the other's best five, agree. Classifiers only. */
  top1Agreement?: number;
  top5Agreement?: number;
}

export interface AccuracyMetrics {
  /** Share right, 0…1. */
  float: number;
  quantized: number;
  /** Points lost: 100·(float − quantized), with the 95 % interval of the paired difference. */
  drop: number;
  dropInterval: [number, number];
}

export interface Metrics {
  samples: number;
  /** What was compared on; `calibration` and `synthetic` are said loudly. */
  evidence: 'evaluation' | 'calibration' | 'synthetic';
  source: string;
  outputs: OutputMetrics[];
  top1?: AccuracyMetrics;
  top5?: AccuracyMetrics;
  /** Emitted model with optimisations on against off: largest difference in SQNR terms. */
  optimisedSqnrDb: number | null;
  /** Median milliseconds of one sample here, when measured. */
  latency?: { floatMs: number; quantizedMs: number; threads: number };
}
