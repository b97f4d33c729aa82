import type { CommandSpec } from './spec.js';

const listing = (id: string, summary: string, load: CommandSpec['load']): CommandSpec => ({
  id,
  summary,
  operands: [],
  options: ['format'],
  examples: [],
  load,
});

/** What there is to choose from, and the completion of it in a shell. */
export const LISTING_COMMANDS: readonly CommandSpec[] = [
  {
    ...listing(
      'targets',
      'the chips, with the figures that reports rest on',
      () => import('../commands/targets.js'),
    ),
    options: ['show', 'format'],
    examples: [['targets --show ane', 'every figure with its source and date']],
  },
  {
    ...listing(
      'schemes',
      'the number formats and what a scheme name means',
      () => import('../commands/schemes.js'),
    ),
    operands: [{ name: '[scheme]', description: 'one scheme in detail' }],
    examples: [
      ['schemes nvfp4', 'bits, range, steps, and how it is written'],
      ['schemes int4-a8-block64', 'any name of the grammar'],
    ],
  },
  listing('methods', 'the ways to choose ranges of activations', () => import('../commands/methods.js')),
  {
    id: 'completion',
    summary: 'a completion script for a shell',
    operands: [{ name: '<shell>', description: 'which shell', choices: ['bash', 'zsh', 'fish'] }],
    options: [],
    examples: [
      ['completion bash > /etc/bash_completion.d/quantize', 'bash'],
      ['completion zsh > ~/.zfunc/_quantize', 'zsh'],
      ['completion fish > ~/.config/fish/completions/quantize.fish', 'fish'],
    ],
    load: () => import('../commands/completion.js'),
  },
];
