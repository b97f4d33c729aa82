// What the Python tool needs for the same work: onnxruntime's quantize_static, decoding included.
import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';

const script = fileURLToPath(new URL('../test/interop/python/quantize_static.py', import.meta.url));

/**
 * Runs quantize_static (per channel, int8, min-max) on a folder of JPEG or .npz samples.
 * @returns undefined without QUANTIZE_PYTHON; else seconds of the whole process and of quantize_static alone, and the
 * process's peak memory
 */
export function quantizeStatic(model, samples, method = 'MinMax') {
  const interpreter = process.env.QUANTIZE_PYTHON;
  if (!interpreter) return undefined;
  const start = performance.now();
  const out = execFileSync(interpreter, [script, model, samples, '--method', method], { encoding: 'utf8' });
  const wallSeconds = (performance.now() - start) / 1000;
  const { status, seconds, peak_mb: peakMb } = JSON.parse(out);
  return { status, wallSeconds, seconds, peakMb };
}
