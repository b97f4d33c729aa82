/** What a file is that turned out not to be an ONNX model, told by its first bytes. */
interface Signature {
  at: number;
  bytes: string;
  what: string;
  hint: string;
}

const EXPORT = 'Export the model to ONNX first.';

const SIGNATURES: readonly Signature[] = [
  {
    at: 0,
    bytes: 'version https://git-lfs',
    what: 'a Git LFS pointer, not the model itself',
    hint: 'Run `git lfs pull` where it came from, or download the file itself.',
  },
  {
    at: 0,
    bytes: 'PK\x03\x04',
    what: 'a zip archive (PyTorch checkpoint, Keras or Core ML package)',
    hint: 'Unpack it if the model is inside; a PyTorch checkpoint must be exported with torch.onnx.export.',
  },
  { at: 0, bytes: '\x80\x02', what: 'a Python pickle (PyTorch checkpoint)', hint: EXPORT },
  { at: 0, bytes: '\x80\x04', what: 'a Python pickle', hint: EXPORT },
  { at: 0, bytes: '\x89HDF', what: 'an HDF5 file (Keras)', hint: 'Convert it with tf2onnx first.' },
  { at: 0, bytes: 'GGUF', what: 'a GGUF file', hint: EXPORT },
  { at: 0, bytes: '\x1f\x8b', what: 'a gzip archive', hint: 'Unpack it first.' },
  { at: 4, bytes: 'TFL3', what: 'a TensorFlow Lite model', hint: 'Convert it with tf2onnx first.' },
  {
    at: 4,
    bytes: 'ORTM',
    what: 'an ORT-format model',
    hint: 'Give the ONNX file that it was made from; the ORT format cannot be turned back.',
  },
  { at: 8, bytes: '{"', what: 'a safetensors file', hint: EXPORT },
  { at: 0, bytes: '{', what: 'JSON text', hint: 'Give the .onnx file.' },
  {
    at: 0,
    bytes: '<',
    what: 'an HTML or XML page',
    hint: 'The download answered with a page; fetch the raw file.',
  },
];

/** A description of the first bytes, or undefined when nothing is recognised. */
export function sniff(bytes: Uint8Array): { what: string; hint: string } | undefined {
  if (bytes.length === 0)
    return { what: 'an empty file', hint: 'Was the download or the export interrupted?' };
  const head = Buffer.from(bytes.subarray(0, 64)).toString('latin1');
  // Pages often start with a blank line.
  return SIGNATURES.find(
    (s) => head.startsWith(s.bytes, s.at) || (s.at === 0 && head.trimStart().startsWith(s.bytes)),
  );
}
