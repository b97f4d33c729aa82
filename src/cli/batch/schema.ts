import { optionSpec } from '../options/index.js';
import { isSwitch, SETTINGS } from './settings.js';

type Schema = Record<string, unknown>;

const oneOrMore = (item: Schema): Schema => ({ anyOf: [item, { type: 'array', items: item }] });
const text = (description: string): Schema => ({ type: 'string', description });
const record = (properties: Record<string, Schema>, required: string[] = []): Schema => ({
  type: 'object',
  properties,
  required,
  additionalProperties: false,
});

/** The settings of a job, as the options of the main job say them. */
function settings(): Record<string, Schema> {
  return Object.fromEntries(
    [...SETTINGS].map(([name, id]) => {
      const { description, choices } = optionSpec(id);
      if (isSwitch(id)) return [name, { type: 'boolean', description }];
      const value: Schema = choices ? { enum: choices } : { type: ['string', 'number'] };
      return [name, { description, ...oneOrMore(value) }];
    }),
  );
}

/** JSON schema (2020-12) of the jobs file, for editors. `quantize batch` itself reads the same tables. */
export function jobsSchema(): Schema {
  const names = oneOrMore({ type: 'string' });
  const cell = { target: names, scheme: names };
  const model = text('an ONNX file, or a pattern such as models/**/*.onnx, relative to this file');
  return {
    $schema: 'https://json-schema.org/draft/2020-12/schema',
    title: 'Jobs of `quantize batch`',
    ...record({
      models: {
        description: 'models, each a path or pattern, or a mapping with settings of its own',
        ...oneOrMore({ anyOf: [model, record({ model, ...settings() }, ['model'])] }),
      },
      targets: { description: 'chips, or JSON files that describe them; default: cpu', ...names },
      schemes: { description: 'default: int8-perchannel', ...names },
      defaults: { description: 'settings of every job', ...record(settings()) },
      include: {
        description: 'jobs besides models × targets × schemes',
        type: 'array',
        items: record({ model, ...cell, ...settings() }, ['model']),
      },
      exclude: {
        description: 'jobs to leave out: those that match every field of an entry, as patterns',
        type: 'array',
        items: record({ model: names, ...cell }),
      },
      output: text('folder, or pattern with {model}, {target} and {scheme}'),
      cache: text('folder of what later runs need not do again; default: .quantize beside the outputs'),
      budget: record({
        memory: { type: ['string', 'number'], description: 'for all jobs that run at a time, such as 4G' },
        threads: { type: 'integer', minimum: 1, description: 'processor cores to use at a time' },
      }),
    }),
  };
}
