import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { makeNode } from '../../../src/ir/graph.js';
import { floatTensor } from '../../../src/ir/tensor.js';
import { apply, quantize } from '../../../src/pipeline.js';
import { encodePlan } from '../../../src/plan/index.js';
import { folder } from '../../data/files.js';
import { files, options, rows } from '../../defects/job.js';
import { network } from '../../plan/cases.js';

const diagonal = (name: string, values: number[]) =>
  floatTensor(
    name,
    [4, 4, 1, 1],
    values.flatMap((value, o) => values.map((_, i) => (o === i ? value : 0))),
  );

/** Three quarters of the answer lie in channels a thousandth as large as the one that sets the range. */
const net = network({
  inputs: { x: [1, 4, 12, 12] },
  nodes: [
    makeNode('Conv', ['x', 'w'], ['a']),
    makeNode('Sigmoid', ['a'], ['s']),
    makeNode('Mul', ['a', 's'], ['m']),
    makeNode('Conv', ['m', 'v'], ['y']),
  ],
  outputs: ['y'],
  initializers: [diagonal('w', [30, 0.03, 0.03, 0.03]), diagonal('v', [1 / 30, 60, 60, 60])],
});

it('rescues channels in front of a gate, and the plan does it again: the same bytes', async () => {
  const paths = await files(folder(), net, rows(8, [4, 12, 12]));
  const { report, plan } = await quantize(options(paths));
  const rung = report.improvements?.find(({ step }) => step === 'even-gates');
  expect(rung).toMatchObject({ kept: true });
  expect(rung!.beforeDb).toBeLessThan(15);
  expect(rung!.afterDb).toBeGreaterThan(rung!.beforeDb! + 10);
  expect(plan.equalization).toMatchObject([{ tensors: ['a'], restored: true }, { gainOf: 'm' }]);
  expect(plan.float.map(({ node }) => node)).toEqual(['a_restored_kept', 's', 'm', 'm_evened_node']);
  const file = join(paths.root, 'plan.json');
  writeFileSync(file, encodePlan(plan));
  const again = join(paths.root, 'again.onnx');
  await apply(file, options(paths, { output: again }));
  expect(readFileSync(again).equals(readFileSync(paths.output))).toBe(true);
});

it('leaves them to the 16 bits of --auto', async () => {
  const paths = await files(folder(), net, rows(8, [4, 12, 12]));
  const { report } = await quantize(options(paths, { auto: true, minSqnr: 25 }));
  expect(report.improvements?.map(({ step }) => step)).not.toContain('even-gates');
  expect(report.metrics!.outputs[0].sqnrDb).toBeGreaterThanOrEqual(25);
});
