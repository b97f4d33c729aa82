// The published stack that shows int8 at 1.88 times the float16 rate of the Neural Engine, 128 convolutions 1×1 of 512
// channels, as packages: operations and size in W8A8 and in float16, as docs/coreml.md quotes them.
// `node bench/stack.js [side of the map, 64]`; the side changes the time that this takes, and neither counts nor weights.
import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { convStack, withRandomWeights } from '../dist/fixtures/architectures/index.js';
import { floatTensor, floatValues } from '../dist/src/ir/tensor.js';
import { saveModel } from '../dist/src/onnx/index.js';

const COMMAND = fileURLToPath(new URL('../bin/quantize.js', import.meta.url));
const PUBLISHED = { 'int8-perchannel': 32.2, float16: 64.1 };
const size = Number(process.argv[2] ?? 64);

/** Without activations behind them, layers keep the size of their values with half the variance of He's weights. */
function stack() {
  const model = withRandomWeights(convStack({ size }).model, 1);
  for (const t of model.graph.initializers)
    Object.assign(
      t,
      floatTensor(
        t.name,
        t.dims,
        floatValues(t).map((v) => v / Math.SQRT2),
      ),
    );
  return model;
}

const report = async (...args) => {
  const all = [COMMAND, ...args, '--limit', '1', '-f', 'json', '-q'];
  const { stdout } = await promisify(execFile)(process.execPath, all, { maxBuffer: 2 ** 28 });
  const printed = JSON.parse(stdout);
  return printed.package ?? printed;
};

const folder = mkdtempSync(join(tmpdir(), 'quantize-stack-'));
try {
  const model = join(folder, 'stack.onnx');
  await saveModel(stack(), model);
  const float = await report('export', model, '-o', join(folder, 'f.mlpackage'));
  const fast = ['-t', 'ane', '-m', 'minmax', '--effort', 'fast'];
  const w8a8 = await report(model, ...fast, '-o', join(folder, 'q.mlpackage'));
  for (const [name, { operations, bytes }] of [
    ['float16', float],
    ['int8-perchannel', w8a8],
  ]) {
    const counts = Object.entries(operations).map(([type, n]) => `${n} ${type}`);
    const mb = `${(bytes / 1e6).toFixed(1)} MB (${(bytes / 2 ** 20).toFixed(1)} MiB)`;
    console.log(`${name.padEnd(16)} ${mb}, published ${PUBLISHED[name]}: ${counts.join(', ')}`);
  }
  console.log(`ratio            ${(w8a8.bytes / float.bytes).toFixed(3)}`);
} finally {
  rmSync(folder, { recursive: true, force: true });
}
