import { mkdtempSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Model } from '../ir/model.js';
import { discard, removeOnExit } from '../onnx/leftovers.js';
import { openModel } from './open.js';
import { orderKernelTypes } from './ort-order.js';

/**
 * Level up to which graphs are optimised before they are written: with pairs fused to integer kernels, and without the
 * memory layouts that suit this machine's processor alone.
 */
export const ORT_LEVEL = 'extended';

/**
 * A model in onnxruntime's own format (.ort), which builds without the ONNX reader load, on phones and in browsers.
 * onnxruntime writes it: a flatbuffer, whose table of kernel types is then put in order, so that bytes are, padding aside, the same again.
 * @throws QuantizeError as openModel
 */
export async function ortBytes(model: Model): Promise<Uint8Array> {
  const folder = mkdtempSync(join(tmpdir(), 'quantize-'));
  removeOnExit(folder);
  try {
    const saveOrt = join(folder, 'model.ort');
    const session = await openModel(model, { optimize: ORT_LEVEL, saveOrt });
    await session.release();
    return orderKernelTypes(readFileSync(saveOrt));
  } finally {
    discard(folder);
  }
}
