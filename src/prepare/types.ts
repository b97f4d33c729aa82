import type { Diagnostic } from '../errors.js';
import type { Model } from '../ir/model.js';

export interface PrepareOptions {
  /** Lowest version of the standard domain that the result may import; absent: as in the file. */
  opset?: number;
}

/**
 * How the channels of a value are spread, as training saw them: what a BatchNormalization makes has mean β and standard
 * deviation |γ|.
 */
export interface ChannelSpread {
  mean: Float64Array;
  deviation: Float64Array;
}

export interface PassResult {
  /** Edits made; 0 means that the model is as it was. */
  changes: number;
  diagnostics?: Diagnostic[];
  /** Of values that a normalisation made before it was folded. */
  spreads?: ReadonlyMap<string, ChannelSpread>;
}

/** One rewriting of the graph that leaves what it computes alone. `run` edits the model it is given. */
export interface Pass {
  id: string;
  /** Why the pass exists, one sentence. */
  description: string;
  run(model: Model, options: PrepareOptions): PassResult | Promise<PassResult>;
}

export interface Prepared {
  model: Model;
  diagnostics: Diagnostic[];
  /** By value: what folded BatchNormalizations say of what they made. */
  spreads: ReadonlyMap<string, ChannelSpread>;
  /** Edits by pass, in the order in which passes run; summed over rounds. */
  passes: { id: string; changes: number }[];
}
