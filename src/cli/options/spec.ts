import type { HEADINGS } from './headings.js';

/** Choices of an option, looked up in the registries when help or completion asks for them. */
export type ChoiceSource = 'targets' | 'schemes' | 'methods' | 'presets' | 'packages' | 'engines';

export interface OptionSpec {
  flags: string;
  /** commander's name of the value, where the id says more. */
  attribute?: string;
  description: string;
  /** Heading in --help. */
  group: (typeof HEADINGS)[keyof typeof HEADINGS];
  default?: unknown;
  /** Values accepted, and no others. */
  choices?: readonly string[];
  /** Registry that completion offers values from; the stages judge the value. */
  source?: ChoiceSource;
  /** The value is a path: completion offers files. */
  path?: boolean;
  /** Text → value; `previous` is the default, or what an earlier occurrence gave. Throws a usage error. */
  parse?(text: string, previous: unknown): unknown;
}
