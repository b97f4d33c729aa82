import type { Diagnostic } from '../../errors.js';
import type { Pass } from '../types.js';

/** First IR version in which an initializer need not be listed as a graph input. */
const IR_WITH_PLAIN_INITIALIZERS = 4;

/**
 * 1. IR 3: every initializer had to be a graph input; the listing says nothing. Dropped silently.
 * 2. IR 4 and newer: listing one made it a default that a caller may override. Dropped with a note.
 * Either way the model is written as IR 4 at least.
 */
export const dropInitializerInputs: Pass = {
  id: 'drop-initializer-inputs',
  description: 'A weight that a caller may override is no constant, so nothing could be folded or quantized.',
  run(model) {
    const { graph } = model;
    const constants = new Set(
      [
        ...graph.initializers.map((t) => t.name),
        ...graph.sparseInitializers.map((t) => t.values?.name),
      ].filter((name) => name),
    );
    const kept = graph.inputs.filter((input) => !constants.has(input.name));
    const dropped = graph.inputs.length - kept.length;
    const overridable = (model.irVersion ?? 0) >= IR_WITH_PLAIN_INITIALIZERS;
    graph.inputs = kept;
    model.irVersion = Math.max(model.irVersion ?? 0, IR_WITH_PLAIN_INITIALIZERS);
    const diagnostics: Diagnostic[] = [];
    if (dropped > 0 && overridable)
      diagnostics.push({
        level: 'note',
        code: 'OVERRIDABLE_INITIALIZERS',
        message: `${dropped} initializers were also graph inputs, that is, defaults that a caller could override; they are constants now`,
      });
    return { changes: dropped, diagnostics };
  },
};
