import { EVALUATION, GATES, MAKE, READING, RESOURCES, RUN, SAMPLES, TALK } from '../options/groups.js';
import { type CommandSpec, MODEL } from './spec.js';

export const INSPECT: CommandSpec = {
  id: 'inspect',
  summary: 'what is in a model, what the chip can run, what will hurt; needs no data',
  operands: [MODEL],
  options: ['target', 'scheme', 'dim', 'formats', 'roundingBias', 'svg', 'seed', ...TALK],
  overrides: { seed: { description: 'seed of the stochastic rounding that --rounding shows' } },
  examples: [
    ['inspect model.onnx --target ane', 'before anything else'],
    ['inspect model.onnx --formats --svg formats.svg', 'which number format suits its weights'],
    ['inspect model.onnx -f json | jq .operators', 'for scripts'],
  ],
  load: () => import('../commands/inspect.js'),
};

export const COMPARE: CommandSpec = {
  id: 'compare',
  summary: 'two models on the same data: outputs, layers, accuracy, speed',
  operands: [
    { name: '<a>', description: 'the reference, usually the FP32 model' },
    { name: '<b>', description: 'the other' },
  ],
  options: [...EVALUATION, 'calibration', ...READING, ...GATES.slice(0, 2), 'integer', ...TALK, ...RESOURCES],
  examples: [
    ['compare model.onnx model.ane.int8-perchannel.onnx -e val/ -l labels.json', 'what quantizing cost'],
    ['compare model.onnx quantized.onnx --integer', 'what integer hardware computes, layer by layer'],
  ],
  load: () => import('../commands/compare.js'),
};

export const SENSITIVITY: CommandSpec = {
  id: 'sensitivity',
  summary: 'which layers cost accuracy: what each loses in each format, and what to do about it',
  detail:
    'Weights and the rounding of activations are inputs of the graph, so no session is opened for a layer. Damage at the\n' +
    'outputs is measured with all else in float; noise powers of layers add up nearly.',
  operands: [MODEL],
  options: [
    ...MAKE.filter((id) => id !== 'effort'),
    'candidates',
    'fisher',
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
    ['sensitivity model.onnx -c images/ --fisher', 'beside what is measured, what gradients foretell'],
    ['sensitivity model.onnx -f json | jq ".layers[] | {node, action}"', 'for scripts'],
  ],
  load: () => import('../commands/sensitivity.js'),
};

export const REPORT: CommandSpec = {
  id: 'report',
  summary: 'size, speed and power of any model on a chip, quantized or not; needs no data',
  operands: [{ ...MODEL, name: '[model]' }],
  detail:
    'Several targets or schemes, separated by commas, stand side by side. With samples each is quantized and measured against FP32, and no model is written.',
  options: [...MAKE, ...SAMPLES, ...EVALUATION, ...RUN, 'report', 'html', ...TALK, ...RESOURCES],
  overrides: {
    target: { description: 'the chip or chips, or a JSON file that describes your own' },
    scheme: { description: '<weights>[-<activations>]-<granularity>, one or several' },
    calibration: { description: 'samples to calibrate on; without any, figures are modelled from shapes' },
  },
  examples: [
    ['report model.onnx --target h100 -f markdown', 'for a pull request'],
    ['report model.onnx -t ane,tpu,h100 -s int8-perchannel,int8-perlayer', 'side by side'],
    ['report model.onnx -t ane,h100 -c images/ -e val/ -l labels.json --html report.html', 'with accuracy'],
    ['report model.onnx --target h100 --batch 64 --price 0.2', 'a server under load'],
    ['report --validate', 'how right the figures are'],
    ['report --validate rows.json', 'the same for measurements of your own'],
  ],
  load: () => import('../commands/report.js'),
};
