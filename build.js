// Builds everything that a fresh checkout needs: the SIMD kernels, then the TypeScript.
import { execFileSync } from 'node:child_process';
import { copyFileSync, mkdirSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = dirname(fileURLToPath(import.meta.url));
const require = createRequire(import.meta.url);
const bin = (pkg, name) => {
  const manifest = require.resolve(`${pkg}/package.json`);
  return join(dirname(manifest), require(manifest).bin[name]);
};
// stdout belongs to the command that may have triggered this build, so everything goes to stderr.
const run = (script, args) =>
  execFileSync(process.execPath, [script, ...args], { cwd: root, stdio: ['ignore', 2, 2] });

run(bin('assemblyscript', 'asc'), [
  'kernels/assembly/index.ts',
  '--config',
  'kernels/assembly/asconfig.json',
]);
run(bin('typescript', 'tsc'), ['-p', 'tsconfig.json']);
// For editors and for help, out of the tables that the command itself reads.
const written = (name, value) =>
  writeFileSync(join(root, 'dist', name), `${JSON.stringify(value, null, 2)}\n`);
const { jobsSchema } = await import('./dist/src/cli/batch/schema.js');
written('jobs.schema.json', jobsSchema());
const { VALUES } = await import('./dist/src/cli/registries.js');
written('choices.json', VALUES);
// Last: bin/quantize.js takes it for the sign of a whole build.
mkdirSync(join(root, 'dist/kernels'), { recursive: true });
copyFileSync(join(root, 'kernels/simd.wasm'), join(root, 'dist/kernels/simd.wasm'));
