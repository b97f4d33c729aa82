import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { COMPARISON_SCHEMA, REPORT_SCHEMA } from '../../src/report/index.js';

it.each([
  ['report.schema.json', REPORT_SCHEMA],
  ['report-comparison.schema.json', COMPARISON_SCHEMA],
])('docs/%s is what the code has; `npm run schemas` writes it', (name, schema) => {
  const text = readFileSync(new URL(`../../docs/${name}`, import.meta.url), 'utf8');
  expect(JSON.parse(text)).toEqual(schema);
});
