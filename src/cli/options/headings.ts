/** Headings of --help, which shows them in the order in which a command names its options. */
export const HEADINGS = {
  make: 'What to make:',
  writing: 'How weights are rounded and written:',
  samples: 'Samples:',
  images: 'Images become y = (x · scale − mean) / std, x in 0…255:',
  training: 'Training:',
  gates: 'Gates (exit code 5 when one fails):',
  packages: 'Packages:',
  output: 'Output:',
  run: 'The run that is reported:',
  machines: 'Many machines:',
  resources: 'Resources:',
} as const;
