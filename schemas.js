// Writes the JSON Schemas of what --format json prints, as the code has them, into docs/. A test holds them equal.
import { writeFileSync } from 'node:fs';
import { COMPARISON_SCHEMA, REPORT_SCHEMA } from './dist/src/report/index.js';

const FILES = { 'report.schema.json': REPORT_SCHEMA, 'report-comparison.schema.json': COMPARISON_SCHEMA };
for (const [name, schema] of Object.entries(FILES))
  writeFileSync(new URL(`docs/${name}`, import.meta.url), `${JSON.stringify(schema, null, 2)}\n`);
