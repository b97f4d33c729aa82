import { createRequire } from 'node:module';

/** From package.json, found from dist/src/cli. */
export const versionOf = (): string =>
  (createRequire(import.meta.url)('../../../package.json') as { version: string }).version;
