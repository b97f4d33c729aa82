#!/usr/bin/env node
import { existsSync } from 'node:fs';

// Install scripts are off (.npmrc), so a fresh clone is built when it is first used; a published package has its dist/.
// The kernels are what the build puts there last: where they are, it came to its end.
const built = new URL('../dist/kernels/simd.wasm', import.meta.url);
if (!existsSync(built)) {
  process.stderr.write('quantize: building the checkout once…\n');
  await import('../build.js').catch((error) => {
    process.stderr.write(`error BUILD_FAILED: ${error.message}\n  hint: run \`npm ci && npm run build\`\n`);
    process.exit(1);
  });
}
const { main } = await import('../dist/src/cli/main.js');
process.exitCode = await main(process.argv);
