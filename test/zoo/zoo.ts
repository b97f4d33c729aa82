import { join } from 'node:path';
import { music, recurrent } from './audio.js';
import {
  cifar,
  coco,
  imagenet,
  images,
  magika,
  mnist,
  type Pixels,
  speechCommands,
  stories,
  textWindows,
  ZOO,
  type ZooSamples,
} from './samples.js';

/** One shared model: how it is fed and judged. Preprocessing as in models/INDEX.md. */
export interface ZooModel {
  /** Folder and file without the ending: "vision/mnist-8". */
  id: string;
  /** `top1` where the data has labels; `sqnr` elsewhere; `refused` for models that are quantized already. */
  metric: 'top1' | 'sqnr' | 'refused';
  samples(set: 'calibration' | 'evaluation'): ZooSamples;
}

export const modelFile = (model: ZooModel): string => join(ZOO, 'models', `${model.id}.onnx`);

const IMAGENET: Pixels = { scale: 1 / 255, mean: [0.485, 0.456, 0.406], std: [0.229, 0.224, 0.225] };
const CIFAR_MEAN = [0.4914, 0.4822, 0.4465];
const NARROW: Pixels = { scale: 1 / 255, mean: CIFAR_MEAN, std: [0.2023, 0.1994, 0.201] };
const FACE: Pixels = { mean: [127, 127, 127], std: [128, 128, 128] };

const classifyImagenet = (id: string, input: string, metric: ZooModel['metric'] = 'top1'): ZooModel => ({
  id,
  metric,
  samples(set) {
    const { files, labels } = imagenet(set, set === 'calibration' ? 100 : 400);
    const known = set === 'evaluation' ? labels : undefined;
    return images(files, input, { crop: 224 }, IMAGENET, known);
  },
});

const classifyCifar = (id: string, input: string, how: Pixels): ZooModel => ({
  id,
  metric: 'top1',
  samples: (set) => cifar(set, input, how),
});

const classifyMnist = (id: string, input: string, dims: number[], scale: number): ZooModel => ({
  id,
  metric: 'top1',
  samples: (set) => mnist(set, input, dims, scale),
});

/** Photographs without labels: ImageNet ones calibrate; COCO's eight and other ImageNet ones evaluate. */
const photographs = (
  id: string,
  input: string,
  fit: Parameters<typeof images>[2],
  how: Pixels,
  [calibration, evaluation]: [number, number],
): ZooModel => ({
  id,
  metric: 'sqnr',
  samples(set) {
    const files =
      set === 'calibration'
        ? imagenet(set, calibration).files
        : [...coco(), ...imagenet(set, 400).files].slice(0, evaluation);
    return images(files, input, fit, how);
  },
});

const other = (id: string, metric: ZooModel['metric'], samples: ZooModel['samples']): ZooModel => ({
  id,
  metric,
  samples,
});

/** The 29 real models of QUANTIZE_ZOO. */
export const MODELS: readonly ZooModel[] = [
  classifyCifar('vision/cifar10_imageclassifier_wml', 'modelInput', {
    mean: [127.5, 127.5, 127.5],
    std: [127.5, 127.5, 127.5],
  }),
  classifyCifar('vision/cifar10_marabou_large', 'x:0', { scale: 1 / 255, layout: 'nhwc' }),
  classifyCifar('vision/cifar10_resnet8_mlperftiny', 'input', {}),
  classifyCifar('vision/cifar10_resnet_2b', 'input.1', NARROW),
  classifyCifar('vision/cifar10_resnet_4b', 'input.1', { ...NARROW, std: [0.247, 0.2435, 0.2616] }),
  classifyCifar('vision/cifar10_vit_pgd_2_3_16', 'input', NARROW),
  classifyMnist('vision/mnist-7', 'Input3', [1, 1, 28, 28], 1),
  classifyMnist('vision/mnist-8', 'Input3', [1, 1, 28, 28], 1),
  classifyMnist('vision/mnist_fc_256x2', '0', [1, 784, 1], 1 / 255),
  classifyMnist('vision/mnist_softmax_vespa', 'Placeholder:0', [1, 784], 1 / 255),
  classifyImagenet('vision/mobilenetv2-7', 'input'),
  classifyImagenet('vision/squeezenet1.1', 'data'),
  photographs('vision/style_candy', 'inputImage', { exact: [720, 720] }, {}, [4, 4]),
  photographs('vision/vww_mobilenet_v1_0.25_96', 'input', { exact: [96, 96] }, { scale: 1 / 255 }, [64, 64]),
  photographs('detect/ultraface_RFB-320', 'input', { exact: [320, 240] }, FACE, [32, 32]),
  photographs('detect/ultraface_RFB-320_simplified', 'input', { exact: [320, 240] }, FACE, [32, 32]),
  photographs('detect/yolox_nano', 'images', { letterbox: 416 }, { order: 'bgr' }, [16, 16]),
  photographs('detect/yunet_n_640', 'input', { exact: [640, 640] }, { order: 'bgr' }, [16, 16]),
  other('nlp/magika_standard_v3_3', 'top1', magika),
  other('nlp/nnsplit_en', 'sqnr', textWindows),
  other('nlp/stories260K', 'sqnr', stories),
  other('audio/basic_pitch_nmp', 'sqnr', music),
  other('audio/dtln_model_1', 'sqnr', (set) => recurrent('dtln1', set)),
  other('audio/dtln_model_2', 'sqnr', (set) => recurrent('dtln2', set)),
  other('audio/silero_vad_v5', 'sqnr', (set) => recurrent('silero', set)),
  other('audio/silero_vad_v5_op18_ifless', 'sqnr', (set) => recurrent('sileroIfless', set)),
  other('audio/speech_recog_wml', 'top1', speechCommands),
  classifyImagenet('quantized/mobilenet_v2_uint8_pt', 'input', 'refused'),
  classifyImagenet('quantized/mobilenetv2-7.quant', 'input', 'refused'),
];
