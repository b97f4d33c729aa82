import { RESOURCES, SAMPLES, TALK } from '../options/groups.js';
import { type CommandSpec, MODEL } from './spec.js';

const statsFile = { description: 'statistics file to write', default: 'calibration.stats' };

export const CALIBRATE: CommandSpec = {
  id: 'calibrate',
  summary: 'one pass over samples → a statistics file',
  detail:
    'The file holds what every method needs, so choosing another method or scheme costs no second pass.',
  operands: [MODEL],
  options: ['target', 'scheme', ...SAMPLES, 'stats', 'shard', 'output', ...TALK, ...RESOURCES],
  overrides: {
    output: statsFile,
    stats: { description: 'go on from this file, which an interrupted run of the same job left' },
  },
  examples: [
    ['calibrate model.onnx -c images/ -o model.stats', 'then: quantize model.onnx --stats model.stats'],
    [
      'calibrate model.onnx -c images/ --shard 0/4 -o part0.stats',
      'a quarter of the samples, on one of four machines',
    ],
  ],
  load: () => import('../commands/calibrate.js'),
};

export const MERGE: CommandSpec = {
  id: 'merge',
  summary: 'join statistics files of one model; the same result as one run',
  operands: [{ name: '<stats...>', description: 'files that `quantize calibrate` wrote' }],
  options: ['output', ...TALK],
  overrides: { output: statsFile },
  examples: [['merge part*.stats -o model.stats', 'what the shards of `calibrate` gave']],
  load: () => import('../commands/merge.js'),
};
