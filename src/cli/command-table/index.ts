import {
  EVALUATION,
  GATES,
  MAKE,
  MIXED,
  PACKAGE,
  READING,
  RESOURCES,
  RUN,
  SAMPLES,
  TALK,
  TRAINING,
  WRITING,
} from '../options/groups.js';
import type { OptionId, OptionSpec, Options } from '../options/index.js';
import type { Shell } from '../shell.js';
import { BATCH_COMMANDS } from './batch.js';
import { LINT } from './lint.js';
import { SENSITIVITY } from './sensitivity.js';
import { TRAIN } from './train.js';

/** Does one command. `args` are its operands in order; an optional one that was not given is undefined. */
export type Action = (args: (string | undefined)[], options: Options, shell: Shell) => Promise<void>;

export interface CommandSpec {
  /** "" is the main job: what `quantize <model>` does. */
  id: string;
  summary: string;
  /** More for its own --help. */
  detail?: string;
  operands: { name: string; description: string; choices?: readonly string[] }[];
  options: OptionId[];
  /** Options whose meaning or default differs here. */
  overrides?: Partial<Record<OptionId, Partial<Pick<OptionSpec, 'description' | 'default' | 'choices'>>>>;
  /** Command line after `quantize`, and what it is for. */
  examples: [command: string, purpose: string][];
  /** Imported when the command runs, not before. */
  load(): Promise<{ run: Action }>;
}

const MODEL = { name: '<model>', description: 'an ONNX file, or - for stdin' };
const statsFile = { description: 'statistics file to write', default: 'calibration.stats' };
const listing = (id: string, summary: string, load: CommandSpec['load']): CommandSpec => ({
  id,
  summary,
  operands: [],
  options: ['format'],
  examples: [],
  load,
});

/** Every command, in the order in which help lists them. */
export const COMMANDS: readonly CommandSpec[] = [
  {
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
      'output',
      'package',
      ...PACKAGE,
      'report',
      'html',
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
  },
  {
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
  },
  {
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
  },
  {
    id: 'merge',
    summary: 'join statistics files of one model; the same result as one run',
    operands: [{ name: '<stats...>', description: 'files that `quantize calibrate` wrote' }],
    options: ['output', ...TALK],
    overrides: { output: statsFile },
    examples: [['merge part*.stats -o model.stats', 'what the shards of `calibrate` gave']],
    load: () => import('../commands/merge.js'),
  },
  {
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
  },
  {
    id: 'apply',
    summary: 'quantize as a plan file says',
    operands: [{ name: '<plan>', description: 'a file that `quantize plan` wrote' }, MODEL],
    options: [
      'calibration',
      ...EVALUATION,
      ...READING,
      ...GATES,
      'output',
      'package',
      ...PACKAGE,
      'report',
      'html',
      ...TALK,
      ...RESOURCES,
    ],
    examples: [['apply plan.json model.onnx -o quantized.onnx', 'do what was decided']],
    load: () => import('../commands/apply.js'),
  },
  {
    id: 'export',
    summary: 'the chip’s own package of a model that you have, quantized or not',
    detail:
      'Shapes become those of the first sample, or 1 where there is none (--dim). The package is read back and run against the model; what the Neural Engine is not expected to run, or where a TPU pads, is listed.',
    operands: [MODEL],
    options: [
      'to',
      'output',
      ...PACKAGE,
      'highPrecision',
      'keep',
      'calibration',
      ...READING,
      ...TALK,
      'threads',
    ],
    overrides: {
      output: { description: 'folder to write' },
      calibration: { description: 'samples to compare the package with the model on' },
    },
    examples: [
      ['export quantized.onnx --to mlpackage -o model.mlpackage', 'from a Q/DQ model'],
      ['export quantized.onnx --to savedmodel -o model.savedmodel', 'StableHLO with a CPU twin'],
      ['export net.onnx -o net.mlpackage --image --preset imagenet-torch', 'pictures in, scaled inside'],
      ['export net.onnx -o net.mlpackage --ios 17 --fail-on-fallback 5', 'a gate for CI'],
    ],
    load: () => import('../commands/export.js'),
  },
  LINT,
  {
    id: 'compare',
    summary: 'two models on the same data: outputs, layers, accuracy, speed',
    operands: [
      { name: '<a>', description: 'the reference, usually the FP32 model' },
      { name: '<b>', description: 'the other' },
    ],
    options: [
      ...EVALUATION,
      'calibration',
      ...READING,
      ...GATES.slice(0, 2),
      'integer',
      ...TALK,
      ...RESOURCES,
    ],
    examples: [
      ['compare model.onnx model.ane.int8-perchannel.onnx -e val/ -l labels.json', 'what quantizing cost'],
      ['compare model.onnx quantized.onnx --integer', 'what integer hardware computes, layer by layer'],
    ],
    load: () => import('../commands/compare.js'),
  },
  SENSITIVITY,
  TRAIN,
  {
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
  },
  ...BATCH_COMMANDS,
  {
    ...listing(
      'targets',
      'the chips, with the figures that reports rest on',
      () => import('../commands/targets.js'),
    ),
    options: ['show', 'format'],
    examples: [['targets --show ane', 'every figure with its source and date']],
  },
  {
    ...listing(
      'schemes',
      'the number formats and what a scheme name means',
      () => import('../commands/schemes.js'),
    ),
    operands: [{ name: '[scheme]', description: 'one scheme in detail' }],
    examples: [
      ['schemes nvfp4', 'bits, range, steps, and how it is written'],
      ['schemes int4-a8-block64', 'any name of the grammar'],
    ],
  },
  listing('methods', 'the ways to choose ranges of activations', () => import('../commands/methods.js')),
  {
    id: 'completion',
    summary: 'a completion script for a shell',
    operands: [{ name: '<shell>', description: 'which shell', choices: ['bash', 'zsh', 'fish'] }],
    options: [],
    examples: [
      ['completion bash > /etc/bash_completion.d/quantize', 'bash'],
      ['completion zsh > ~/.zfunc/_quantize', 'zsh'],
      ['completion fish > ~/.config/fish/completions/quantize.fish', 'fish'],
    ],
    load: () => import('../commands/completion.js'),
  },
];
