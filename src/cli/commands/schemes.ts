import { type SchemeFacts, SIDE, schemeFacts } from '../../plan/describe.js';
import { SCHEMES } from '../../plan/scheme.js';
import type { Action } from '../command-table/spec.js';
import { type Forms, listing, markdownTable, printResult } from '../output.js';

export const run: Action = ([name], options, shell) =>
  printResult(name === undefined ? all() : one(schemeFacts(name)), options, shell);

const BITS = 'bits a value¹';
const NOTE = `¹ scales, zero points and tables counted, in a matrix of ${SIDE} × ${SIDE}`;
const GRAMMAR = [
  'Any <weights>[-<activations>]-<granularity> works, such as int4-a8-block64; weights are any format of the list.',
  'activations: a8 a16 (the target’s kind), int8 uint8 int16 uint16 fp8, float (weight-only), dynamic; without them',
  '8-bit weights and wider take what the target computes in, all others are weight-only.',
  'mixed (mixed-a16, mixed-float) gives each layer its own format within --budget or --max-accuracy-drop.',
  'granularity: perlayer, perchannel, block<N>. MX, NVFP4 and casts settle their own.',
  NOTE,
];

function all(): Forms {
  const facts = SCHEMES.map(({ id }) => schemeFacts(id));
  const head = ['scheme', BITS, 'smallest', 'largest', 'what it is, and where it is used'];
  const rows = facts.map((f) => [
    f.scheme,
    f.bits.toFixed(2),
    f.smallest,
    f.largest,
    `${f.description}; ${f.usedIn}`,
  ]);
  const forms = listing('onnx-quantize/schemes@1', head, rows, { schemes: facts });
  return {
    ...forms,
    markdown: async () => [await forms.markdown(), '', ...GRAMMAR].join('\n'),
    table: async (term) => [await forms.table(term), '', ...GRAMMAR].join('\n'),
  };
}

function one(facts: SchemeFacts): Forms {
  const head = ['', facts.scheme];
  const rows = [
    ['what it is', facts.description],
    ['where it is used', facts.usedIn],
    ['weights', facts.weights],
    ['activations', facts.activations],
    ['scales', facts.scales],
    [BITS, facts.bits.toFixed(3)],
    ['range at scale 1', facts.range],
    ['smallest value above 0', facts.smallest],
    ['largest value', facts.largest],
    ['step', facts.step],
    ['written for onnxruntime', facts.exec],
    ['written by the standard', facts.spec],
  ];
  return {
    json: { schema: 'onnx-quantize/scheme@1', scheme: facts },
    markdown: () => [markdownTable(head, rows), '', NOTE].join('\n'),
    table: (term) => [term.table(head, rows), '', NOTE].join('\n'),
  };
}
