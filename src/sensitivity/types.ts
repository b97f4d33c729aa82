/** What quantizing one thing does to the outputs of the model, all else in float. */
export interface Damage {
  /** Of the worst output in dB; null: no difference. */
  sqnrDb: number | null;
  /** Noise over signal power, summed over the outputs: what adds up from layer to layer. */
  noise: number;
  /** Mean KL(FP32 ‖ quantized) of the class probabilities in nats; classifiers and language models only. */
  kl?: number;
  /** Share (0…1) of rows whose best class stays. */
  agreement?: number;
  /** Points of top-1 accuracy lost; with labels only. */
  top1Drop?: number;
  /** Not run: follows from a coarser format of the same layer by the ratio of their local noise. */
  estimated?: boolean;
}

/** One weight in one format. */
export interface CandidateDamage {
  /** Name of a format, with its granularity where it is not per channel: "int4", "int4-block32". */
  candidate: string;
  /** Of the stored weight: codes and scales. */
  bytes: number;
  /** Shannon entropy of its codes in bits a value: what lossless compression could not go below. */
  entropyBits: number;
  /** SQNR of the layer's own output when this alone is quantized. */
  localDb: number | null;
  /** The same when everything up to here is: weights in this format and activations. */
  accumulatedDb?: number | null;
  /** What Fisher's information of the weight says of it, in the unit of `Sensitivity.fisher`; where that was asked for. */
  forecast?: number;
  global: Damage;
}

export interface LayerSensitivity {
  node: string;
  opType: string;
  /** Its weight. */
  tensor: string;
  parameters: number;
  candidates: CandidateDamage[];
  /** Rounded tensors that it reads. */
  activations: string[];
  /** What to do about it; empty: nothing stands out. */
  action: string;
}

/** Where the error accumulates: a value with all before it as the scheme says, against FP32. */
export interface Propagation {
  tensor: string;
  sqnrDb: number | null;
  /** Bits that a value has at 64 levels, and how many of them the quantized one tells. */
  entropyBits: number;
  mutualBits: number;
}

/** How forecasts by Fisher's information were made, and how good they are. */
export interface FisherSummary {
  /** What forecasts are: mean KL in nats (`Damage.kl`), or noise over signal power (`Damage.noise`). */
  forecasts: 'kl' | 'noise';
  samples: number;
  /** Spearman's rank correlation with what was measured, over weights and candidates; absent for fewer than three. */
  rankCorrelation?: number;
}

export interface Sensitivity {
  schema: 'onnx-quantize/sensitivity@1';
  model: { name: string; sha256: string };
  target: string;
  scheme: string;
  /** Samples that global damage was measured on, and whether they prove anything. */
  samples: number;
  evidence: 'real' | 'synthetic';
  candidates: string[];
  /** Candidate that the scheme itself gives weights. */
  own: string;
  /** All activations rounded, every weight in float; and what adding up all damage says of the whole. */
  activationsOnly: Damage;
  predictedDb: number | null;
  fisher?: FisherSummary;
  /** In the order of the graph. */
  layers: LayerSensitivity[];
  /** Each rounded activation alone. */
  activations: { tensor: string; format: string; global: Damage }[];
  /** Through depth, in the order of the graph. */
  propagation: Propagation[];
}

/** A mixture of formats, or one format throughout, and what it costs and keeps. */
export interface FrontPoint {
  kind: 'mixed' | 'uniform';
  /** Of a uniform one: its format. */
  name: string;
  /** In the front's unit. */
  cost: number;
  /** SQNR of the worst output in dB: what adding up says, and what onnxruntime gives on a few calibration samples. */
  predictedDb: number | null;
  verifiedDb: number | null;
  /** Layers in each format. */
  layers: Record<string, number>;
  /** The one that became the plan. */
  chosen: boolean;
}

/** What a budget buys, from the least to the most. */
export interface Front {
  of: 'size' | 'latency' | 'energy';
  unit: string;
  /** What the float model takes. */
  float: number;
  points: FrontPoint[];
}
