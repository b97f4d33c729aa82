import type { OptionSpec } from './options.js';

/** How much is tried to lose less accuracy. */
export const ACCURACY_OPTIONS = {
  effort: {
    flags: '--effort <effort>',
    description: 'how much is tried to lose less accuracy: nothing; what pays; everything',
    group: 'What to make:',
    default: 'balanced',
    choices: ['fast', 'balanced', 'max'],
  },
  auto: {
    flags: '--auto',
    description: 'when a gate fails, try more until it passes; the costliest layers stay in float at last',
    group: 'Gates (exit code 5 when one fails):',
  },
} satisfies Record<string, OptionSpec>;
