import type { Sharp, SharpOptions } from 'sharp';
import { invalidError } from '../errors.js';
import type { ImagePlan } from './preprocess.js';

/** Decoded pixels, rows first, channels interleaved, 8 bits each. */
export interface Picture {
  data: Uint8Array;
  width: number;
  height: number;
  /** 1 grey, 2 grey and alpha, 3 RGB, 4 RGB and alpha. Alpha is not looked at. */
  channels: number;
}

/** Larger images (16 thousand squared) are refused before they are decoded. */
const MAX_PIXELS = 2 ** 28;

type SharpModule = typeof import('sharp').default;
let loaded: Promise<SharpModule> | undefined;

/** Images are decoded several at a time, so libvips gets one thread for each and keeps no cache of past ones. */
const sharpModule = (): Promise<SharpModule> => {
  loaded ??= import('sharp').then(({ default: sharp }) => {
    sharp.cache(false);
    sharp.concurrency(1);
    return sharp;
  });
  return loaded;
};

const INPUT: SharpOptions = { limitInputPixels: MAX_PIXELS };

/**
 * Decodes an image file, upright by its EXIF orientation, in sRGB, resized as `plan` says (not yet cropped).
 * Resizing is libvips's antialiased bilinear, as near as it has to torchvision's.
 * @throws SAMPLE_IMAGE (invalid) naming the file
 */
export async function decodeImage(file: string, plan: ImagePlan): Promise<Picture> {
  const sharp = await sharpModule();
  try {
    return await render(sharp(file, INPUT).autoOrient(), plan);
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message.split('\n')[0] : String(cause);
    throw invalidError('SAMPLE_IMAGE', `cannot read the image "${file}": ${reason}`, {
      where: { file },
      hint: 'Is it a complete image file? Remove it or replace it.',
      cause,
    });
  }
}

/** The same resizing for pixels that are already decoded; pixels of the right size pass through untouched. */
export async function resizePicture(picture: Picture, plan: ImagePlan): Promise<Picture> {
  const fits = plan.height === picture.height && plan.width === picture.width;
  if (plan.resize === 'none' || (fits && plan.resize !== 'short')) return picture;
  const { data, width, height } = picture;
  const sharp = await sharpModule();
  return render(sharp(data, { raw: { width, height, channels: picture.channels as 1 | 3 } }), plan);
}

async function render(image: Sharp, plan: ImagePlan): Promise<Picture> {
  const { data, info } = await sized(image, plan)
    .toColourspace('srgb')
    .raw({ depth: 'uchar' })
    .toBuffer({ resolveWithObject: true });
  return { data, width: info.width, height: info.height, channels: info.channels };
}

function sized(image: Sharp, plan: ImagePlan): Sharp {
  const { height, width, cover } = plan;
  const kernel = 'linear';
  if (plan.resize === 'short') return image.resize(cover[1], cover[0], { fit: 'outside', kernel });
  if (plan.resize === 'exact') return image.resize(width, height, { fit: 'fill', kernel });
  if (plan.resize === 'letterbox') return image.resize(width, height, { fit: 'inside', kernel });
  return image;
}
