import { RUNTIMES } from '../../lint/runtimes.js';
import { ACCURACY_OPTIONS } from './accuracy.js';
import { BATCH_OPTIONS } from './batch.js';
import { PACKAGE_OPTIONS } from './packages.js';
import { bytes, collect, decimal, dimension, numbers, shard, whole } from './parse.js';
import { REPORT_OPTIONS } from './report.js';
import { TRAINING_OPTIONS } from './training.js';
import { WRITING_OPTIONS } from './writing.js';

/** Choices of an option, looked up in the registries when help or completion asks for them. */
export type ChoiceSource = 'targets' | 'schemes' | 'methods' | 'presets' | 'packages' | 'engines';

export interface OptionSpec {
  flags: string;
  /** commander's name of the value, where the id says more. */
  attribute?: string;
  description: string;
  /** Heading in --help. */
  group: string;
  default?: unknown;
  /** Values accepted, and no others. */
  choices?: readonly string[];
  /** Registry that completion offers values from; the stages judge the value. */
  source?: ChoiceSource;
  /** The value is a path: completion offers files. */
  path?: boolean;
  /** Text → value; `previous` is the default, or what an earlier occurrence gave. Throws a usage error. */
  parse?(text: string, previous: unknown): unknown;
}

const MAKE = 'What to make:';
const DATA = 'Samples:';
const IMAGES = 'Images become y = (x · scale − mean) / std, x in 0…255:';
const OUT = 'Output:';
const LIMITS = 'Resources:';

/** Every option of every command, once. */
export const OPTIONS = {
  ...PACKAGE_OPTIONS,
  ...ACCURACY_OPTIONS,
  ...TRAINING_OPTIONS,
  target: {
    flags: '-t, --target <chip>',
    description: 'the chip, or a JSON file that describes your own',
    group: MAKE,
    default: 'cpu',
    source: 'targets',
  },
  scheme: {
    flags: '-s, --scheme <scheme>',
    description: '<weights>[-<activations>]-<granularity>',
    group: MAKE,
    default: 'int8-perchannel',
    source: 'schemes',
  },
  method: {
    flags: '-m, --method <method>',
    description: 'how ranges of activations are chosen',
    group: MAKE,
    default: 'mse',
    source: 'methods',
  },
  symmetric: {
    flags: '--symmetric',
    description: 'centre every grid on zero (no zero points), even where the chip takes them',
    group: MAKE,
  },
  noSymmetric: {
    flags: '--no-symmetric',
    description: 'use zero points, even where the chip’s own default is none',
    group: MAKE,
  },
  keepFloat: {
    flags: '--keep-float <what>',
    description: 'leave a node in float: its name, a /regex/, or an operator type; repeatable',
    group: MAKE,
    parse: collect,
  },
  ...WRITING_OPTIONS,
  calibration: {
    flags: '-c, --calibration <path>',
    description:
      'samples to calibrate on: images, .npy, .npz, .pb, raw, or - for stdin; repeatable. ' +
      'Without it: <model>.calibration/ or test_data_set_* beside the model',
    group: DATA,
    path: true,
    parse: collect,
  },
  evaluation: {
    flags: '-e, --evaluation <path>',
    description:
      'samples to compare FP32 and quantized on; repeatable. Without it: <model>.evaluation/ beside the model, else the calibration samples',
    group: DATA,
    path: true,
    parse: collect,
  },
  labels: {
    flags: '-l, --labels <file>',
    description:
      'right classes of the evaluation samples: measures accuracy. Without it: <model>.labels.txt, .tsv, .csv or .npy',
    group: DATA,
    path: true,
  },
  preset: {
    flags: '--preset <name>',
    description: 'what a family of networks was trained with; the options below override it',
    group: IMAGES,
    source: 'presets',
  },
  resize: {
    flags: '--resize <how>',
    description: 'how an image gets its size: short side and centre crop, exact, letterbox, or not at all',
    group: IMAGES,
    choices: ['short', 'exact', 'letterbox', 'none'],
  },
  crop: {
    flags: '--crop <share>',
    description: 'side of the centre crop relative to the short side, such as 0.875',
    group: IMAGES,
    parse: decimal('crop'),
  },
  size: {
    flags: '--size <height,width>',
    description: 'size of the images, where the model leaves it open',
    group: IMAGES,
    parse: numbers('size', 2),
  },
  color: {
    flags: '--color <order>',
    description: 'channel order that the model was trained on',
    group: IMAGES,
    choices: ['rgb', 'bgr'],
  },
  scale: {
    flags: '--scale <factor>',
    description: 'multiplies values 0…255 before mean and std',
    group: IMAGES,
    parse: decimal('scale'),
  },
  layout: {
    flags: '--layout <layout>',
    description: 'axis order of the input; default: recognised from its shape',
    group: IMAGES,
    choices: ['nchw', 'nhwc'],
  },
  mean: {
    flags: '--mean <values>',
    description: 'subtracted, one for all or one a channel, such as 0.485,0.456,0.406',
    group: IMAGES,
    parse: numbers('mean'),
  },
  std: {
    flags: '--std <values>',
    description: 'then divided by, one for all or one a channel',
    group: IMAGES,
    parse: numbers('std'),
  },
  dtype: { flags: '--dtype <type>', description: 'element type of raw binary samples', group: DATA },
  shape: {
    flags: '--shape <dims>',
    description: 'shape of one raw sample, such as 1x3x224x224',
    group: DATA,
  },
  dim: {
    flags: '--dim <name=size>',
    description: 'size of a symbolic input dimension; repeatable',
    group: DATA,
    parse: dimension,
  },
  limit: {
    flags: '--limit <n>',
    description: 'take the first n samples',
    group: DATA,
    parse: whole('limit', 1),
  },
  seed: {
    flags: '--seed <n>',
    description: 'seed of synthetic inputs and of stochastic rounding',
    group: DATA,
    parse: whole('seed'),
  },
  stats: {
    flags: '--stats <file>',
    description: 'ranges from a file that `quantize calibrate` wrote, instead of a pass over samples',
    group: DATA,
    path: true,
  },
  shard: {
    flags: '--shard <i/n>',
    description: 'take every n-th sample from the i-th on; `quantize merge` joins the parts',
    group: DATA,
    parse: shard,
  },
  output: {
    flags: '-o, --output <file>',
    description: 'file to write, - for stdout',
    group: OUT,
    path: true,
  },
  report: {
    flags: '--report <file>',
    description: 'also write the report, as its ending says: .html, .json or .md; may be repeated',
    group: OUT,
    path: true,
    parse: collect,
  },
  html: {
    flags: '--html <file>',
    description: 'also write the report as one self-contained page',
    group: OUT,
    path: true,
  },
  savePlan: {
    flags: '--save-plan <file>',
    description: 'also write the plan, with the reason of every decision',
    group: OUT,
    path: true,
  },
  format: {
    flags: '-f, --format <format>',
    description: 'how the result is printed',
    group: OUT,
    default: 'table',
    choices: ['table', 'json', 'markdown'],
  },
  formats: {
    flags: '--formats',
    description: 'what each number format would make of the model’s own weights',
    group: OUT,
  },
  roundingBias: {
    flags: '--rounding',
    attribute: 'rounding',
    description: 'how far each way of rounding shifts the weights',
    group: OUT,
  },
  svg: {
    flags: '--svg <file>',
    description: 'also draw --formats: bits against signal to noise, and how the weights lie',
    group: OUT,
    path: true,
  },
  for: {
    flags: '--for <runtime>',
    description: 'whose reading of the model',
    group: OUT,
    default: 'tensorrt',
    choices: RUNTIMES.map((row) => row.id),
  },
  integer: {
    flags: '--integer',
    description: 'also compute <b> in integers as a chip does, and compare each layer with onnxruntime',
    group: OUT,
  },
  show: {
    flags: '--show <chip>',
    description: 'every figure of one chip with its source',
    group: OUT,
    source: 'targets',
  },
  ...BATCH_OPTIONS,
  quiet: { flags: '-q, --quiet', description: 'nothing on stderr but warnings and errors', group: OUT },
  verbose: {
    flags: '-v, --verbose',
    description: 'every layer, every note, and the stack of a bug',
    group: OUT,
  },
  threads: {
    flags: '--threads <n>',
    description: 'threads inside one operator of onnxruntime',
    group: LIMITS,
    parse: whole('threads', 1),
  },
  memory: {
    flags: '--memory <size>',
    description: 'most memory for activations of one batch, such as 400M',
    group: LIMITS,
    parse: bytes,
  },
  ...REPORT_OPTIONS,
} satisfies Record<string, OptionSpec>;

export type OptionId = keyof typeof OPTIONS;
export const optionSpec = (id: OptionId): OptionSpec => OPTIONS[id];

export type { Format, Options } from './values.js';
