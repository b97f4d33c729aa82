import { HEADINGS } from './headings.js';
import { bytes, whole } from './parse.js';
import type { OptionSpec } from './spec.js';

/** What a run may take of the machine. */
export const RESOURCE_OPTIONS = {
  threads: {
    flags: '--threads <n>',
    description: 'threads inside one operator of onnxruntime',
    group: HEADINGS.resources,
    parse: whole('threads', 1),
  },
  memory: {
    flags: '--memory <size>',
    description: 'most memory for activations of one batch, such as 400M',
    group: HEADINGS.resources,
    parse: bytes,
  },
} satisfies Record<string, OptionSpec>;

export interface ResourceOptions {
  threads?: number;
  memory?: number;
}
