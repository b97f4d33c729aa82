import { basename } from 'node:path';

/** "models/net.onnx" for ane → "net.ane.int8-perchannel.onnx", in the current folder; stdin → stdout. */
export function defaultOutput(model: string, { target, scheme }: { target: string; scheme: string }): string {
  if (model === '-') return '-';
  const stem = basename(model).replace(/\.onnx$/i, '');
  return `${stem}.${basename(target).replace(/\.json$/i, '')}.${scheme}.onnx`;
}
