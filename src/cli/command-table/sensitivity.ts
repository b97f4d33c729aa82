import { EVALUATION, MAKE, RESOURCES, SAMPLES, TALK } from '../options/groups.js';
import type { CommandSpec } from './index.js';

export const SENSITIVITY: CommandSpec = {
  id: 'sensitivity',
  summary: 'which layers cost accuracy: what each loses in each format, and what to do about it',
  detail:
    'Weights and the rounding of activations are inputs of the graph, so no session is opened for a layer. Damage at the\n' +
    'outputs is measured with all else in float; noise powers of layers add up nearly.',
  operands: [{ name: '<model>', description: 'an ONNX file, or - for stdin' }],
  options: [
    ...MAKE.filter((id) => id !== 'effort'),
    'candidates',
    ...SAMPLES,
    ...EVALUATION,
    'stats',
    'svg',
    ...TALK,
    ...RESOURCES,
  ],
  overrides: {
    svg: { description: 'also draw the error through depth and the damage of each layer' },
    evaluation: { description: 'samples to measure on, with --labels; default: the calibration samples' },
  },
  examples: [
    ['sensitivity model.onnx -t ane', 'ranked, the costliest layers first'],
    ['sensitivity model.onnx --candidates int3,int4-block32,int8 --limit 32', 'other formats, more samples'],
    ['sensitivity model.onnx -f json | jq ".layers[] | {node, action}"', 'for scripts'],
  ],
  load: () => import('../commands/sensitivity.js'),
};
