/** What one format gives for a tensor's values. Shares are 0…1. */
export interface FormatFigures {
  /** Bits a value, scales, zero points and tables counted. */
  bits: number;
  /** 10·log10(Σx² / Σ(x − x̂)²) in dB; null without an error. */
  sqnrDb: number | null;
  /** Entropy of the codes in bits a value, and its share of the format's bits. */
  entropy: number;
  utilisation: number;
  /** Kullback–Leibler divergence in bits of the values from the codes spread over their cells. */
  divergence: number;
  clipped: number;
  zeros: number;
}

/** A format as the scheme that is named stores it: for the whole model, and tensor by tensor. */
export interface FormatSurvey extends FormatFigures {
  /** `<weights>-<granularity>`, or the format alone where it settles its own scales. */
  id: string;
  description: string;
  weights: ({ tensor: string } & FormatFigures)[];
}

/** What a way of rounding does to the weights on one grid, in steps of each value's own scale. */
export interface RoundingSurvey {
  id: string;
  modes: { mode: string; bias: number; standardError: number; rms: number }[];
}

export interface Survey {
  schema: 'onnx-quantize/survey@1';
  file: string;
  sha256: string;
  /** Weights and their values; `looked` of them were looked at, in whole groups that share a scale. */
  weights: number;
  values: number;
  looked: number;
  /** Weights over the largest magnitude of their output channel: shares of the values in equal bins over −1…1. */
  distribution: number[];
  formats?: FormatSurvey[];
  rounding?: RoundingSurvey[];
}
