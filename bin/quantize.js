#!/usr/bin/env node
import { existsSync } from 'node:fs';

const entry = new URL('../dist/src/cli/main.js', import.meta.url);
if (!existsSync(entry)) {
  // Install scripts are off (.npmrc), so a fresh clone has no dist/ until it is first used. A published package has it.
  process.stderr.write('quantize: building the checkout once…\n');
  await import('../build.js');
}
const { main } = await import(entry.href);
process.exitCode = await main(process.argv);
