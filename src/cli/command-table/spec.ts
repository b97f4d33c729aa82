import type { OptionId, OptionSpec, Options } from '../options/index.js';
import type { Shell } from '../shell.js';

/** Does one command. `args` are its operands in order; an optional one that was not given is undefined. */
export type Action = (args: (string | undefined)[], options: Options, shell: Shell) => Promise<void>;

export interface CommandSpec {
  /** "" is the main job: what `quantize <model>` does. */
  id: string;
  summary: string;
  /** More for its own --help. */
  detail?: string;
  operands: { name: string; description: string; choices?: readonly string[] }[];
  options: OptionId[];
  /** Options whose meaning or default differs here. */
  overrides?: Partial<Record<OptionId, Partial<Pick<OptionSpec, 'description' | 'default' | 'choices'>>>>;
  /** Command line after `quantize`, and what it is for. */
  examples: [command: string, purpose: string][];
  /** Imported when the command runs, not before. */
  load(): Promise<{ run: Action }>;
}

/** The operand that most commands have. */
export const MODEL = { name: '<model>', description: 'an ONNX file, or - for stdin' };
