import {
  EVALUATION,
  GATES,
  MAKE,
  MIXED,
  READING,
  RESOURCES,
  RESULTS,
  TALK,
  TRAINING,
  WRITING,
} from '../options/groups.js';
import { type CommandSpec, MODEL } from './spec.js';

/** The main job: what `quantize <model>` does. */
export const QUANTIZE: CommandSpec = {
  id: '',
  summary:
    'Quantize a trained ONNX model for a chip, prove what it cost, and report size, speed and power there.',
  operands: [MODEL],
  options: [
    ...MAKE,
    ...MIXED,
    ...WRITING,
    'sidecar',
    'calibration',
    ...EVALUATION,
    'stats',
    ...READING,
    ...GATES,
    'auto',
    ...TRAINING,
    ...RESULTS,
    'savePlan',
    'front',
    ...TALK,
    ...RESOURCES,
  ],
  overrides: {
    output: {
      description:
        'file to write, - for stdout; default: <model>.<chip>.<scheme>.onnx here. A name that ends in .mlpackage or .savedmodel asks for that package instead of ONNX',
    },
  },
  examples: [
    ['model.onnx --target ane', 'samples are found beside the model'],
    ['model.onnx --target ane -o model.mlpackage', 'a Core ML package'],
    ['model.onnx --target tpu -o model.savedmodel', 'a SavedModel for Cloud TPU'],
    ['model.onnx -t tpu -c images/ --preset imagenet-torch', 'calibrate on a folder of images'],
    [
      'model.onnx -c calib.npz -e val/ -l labels.json --max-accuracy-drop 0.5',
      'fail when more accuracy is lost',
    ],
    ['model.onnx -s mixed --budget size=20% --front front.svg', 'each layer in the format it needs'],
    ['model.onnx --keep-float Softmax --keep-float /^head/', 'leave operators or nodes in float'],
    ['- -o - < model.onnx > quantized.onnx', 'in a pipe'],
  ],
  load: () => import('../commands/quantize.js'),
};

export const PLAN: CommandSpec = {
  id: 'plan',
  summary: 'decide and stop: a JSON file to read and edit, with a reason for every decision',
  operands: [MODEL],
  options: [
    ...MAKE,
    ...MIXED,
    ...WRITING,
    'calibration',
    'stats',
    ...READING,
    'output',
    ...TALK,
    ...RESOURCES,
  ],
  overrides: { output: { description: 'plan file to write, - for stdout' } },
  examples: [
    ['plan model.onnx -t ane -o plan.json', 'then edit it, then: quantize apply plan.json model.onnx'],
    ['plan model.onnx -f json | jq ".float[]"', 'what stays in float, and why'],
  ],
  load: () => import('../commands/plan.js'),
};

export const APPLY: CommandSpec = {
  id: 'apply',
  summary: 'quantize as a plan file says',
  operands: [{ name: '<plan>', description: 'a file that `quantize plan` wrote' }, MODEL],
  options: ['calibration', ...EVALUATION, ...READING, ...GATES, ...RESULTS, ...TALK, ...RESOURCES],
  examples: [['apply plan.json model.onnx -o quantized.onnx', 'do what was decided']],
  load: () => import('../commands/apply.js'),
};
