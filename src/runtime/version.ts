import { createRequire } from 'node:module';

/** Version of the onnxruntime package, without loading its binary. */
export const runtimeVersion = (): string =>
  (createRequire(import.meta.url)('onnxruntime-node/package.json') as { version: string }).version;
