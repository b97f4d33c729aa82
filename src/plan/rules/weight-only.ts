import type { OperatorRule } from './types.js';

/** W and R are [directions, gates·hidden, …]: axis 1 counts gate rows, shared by both directions; axis 2 is summed. */
const gateRows = { channelAxis: () => 1, reduction: () => ({ axis: 2 }) };

export const WEIGHT_ONLY: readonly OperatorRule[] = [
  {
    ops: ['LSTM', 'GRU', 'RNN'],
    kind: 'weightOnly',
    description: 'input and recurrent weights per gate row; the recurrence itself stays float',
    weights: [
      { input: 1, ...gateRows },
      { input: 2, ...gateRows },
    ],
  },
  {
    ops: ['Gather'],
    kind: 'weightOnly',
    description: 'an embedding table with one scale a row',
    weights: [
      {
        input: 0,
        channelAxis: (_, table) => (table.dims.length >= 2 ? 0 : { perLayer: 'a vector has no rows' }),
        reduction: (_, table) => ({ axis: table.dims.length - 1 }),
      },
    ],
  },
];
