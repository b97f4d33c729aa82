import { GATES, MAKE, RESOURCES, RESULTS, SAMPLES, TALK } from '../options/groups.js';
import { type CommandSpec, MODEL } from './spec.js';

export const TRAIN: CommandSpec = {
  id: 'train',
  summary: 'train a network with its rounding in the forward pass, and write it quantized',
  detail:
    'Gradients, rounding and optimiser are one ONNX graph that onnxruntime runs: no training framework, no original code.\n' +
    'With --labels it learns classes; without, the FP32 model teaches, on samples without labels. Each epoch is judged on\n' +
    'samples held out (a tenth, at least 16), and the best one is taken. Starts from what `quantize` makes.',
  operands: [MODEL],
  options: [
    ...MAKE,
    'data',
    'labels',
    ...SAMPLES,
    'evaluation',
    'evaluationLabels',
    'epochs',
    'steps',
    'batch',
    'lr',
    'scaleLr',
    'optimiser',
    'holdCodes',
    'distill',
    'features',
    'augment',
    'patience',
    'clip',
    'anneal',
    'masters',
    'checkpoint',
    ...GATES,
    ...RESULTS,
    'savePlan',
    ...TALK,
    ...RESOURCES,
  ],
  overrides: {
    labels: {
      description:
        'right classes of the samples in --data, or an .npy of floats: what the output is to be; without it the FP32 model teaches',
    },
    batch: { description: 'samples a step (default: about a million input values, 8 to 64)' },
    memory: {
      description: 'most memory that training may take, such as 2G; by default what the machine has',
    },
    seed: { description: 'seed of the order of samples and of --augment' },
    output: { description: 'file to write, - for stdout; default: <model>.<chip>.<scheme>.onnx here' },
  },
  examples: [
    ['train model.onnx -s int4-a4-perchannel --data photos/', 'without labels: the FP32 model teaches'],
    [
      'train model.onnx -s int4-a8-perchannel -d photos/ -l labels.txt --epochs 20 --html curve.html',
      'with labels, and the curve',
    ],
    [
      'train model.onnx -s int4-a8-perchannel -d photos/ --steps 200 --checkpoint run.ckpt',
      'may be stopped and gone on with',
    ],
  ],
  load: () => import('../commands/train.js'),
};
