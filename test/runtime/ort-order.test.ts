import { describe, expect, it } from 'vitest';
import { makeNode } from '../../src/ir/graph.js';
import { openSession } from '../../src/runtime/index.js';
import { ortBytes } from '../../src/runtime/ort-format.js';
import { orderKernelTypes } from '../../src/runtime/ort-order.js';
import { network } from '../plan/cases.js';

const OPS = ['Sigmoid', 'Tanh', 'Exp', 'Neg', 'Floor', 'Softmax', 'Sqrt', 'Abs'];

/** Swaps the first two operators, by where the root's fourth field leads: another order of the same table. */
function swapped(bytes: Uint8Array): Uint8Array {
  const copy = new Uint8Array(bytes);
  const view = new DataView(copy.buffer);
  const follow = (at: number) => at + view.getUint32(at, true);
  const field = (table: number, i: number) =>
    table + view.getUint16(table - view.getInt32(table, true) + 4 + 2 * i, true);
  const list = follow(field(follow(field(follow(0), 3)), 0));
  const [one, two] = [follow(list + 4), follow(list + 8)];
  view.setUint32(list + 4, two - (list + 4), true);
  view.setUint32(list + 8, one - (list + 8), true);
  return copy;
}

describe('orderKernelTypes', () => {
  // Where the room ends depends on lengths of names: a chain, and one operator alone.
  it.each([{ ops: OPS }, { ops: ['Abs'] }, { ops: ['Exp', 'Neg'] }])(
    'makes one file of any order, and it opens: $ops',
    async ({ ops }) => {
      const chain = network({
        nodes: ops.map((op, i) => makeNode(op, [i === 0 ? 'x' : `v${i - 1}`], [`v${i}`])),
        outputs: [`v${ops.length - 1}`],
      });
      const bytes = await ortBytes(chain);
      for (const file of ops.length > 1 ? [bytes, swapped(bytes)] : [bytes])
        expect(Buffer.from(orderKernelTypes(file)).equals(bytes)).toBe(true);
      if (ops.length > 1) expect(Buffer.from(swapped(bytes)).equals(bytes)).toBe(false);
      await (await openSession(bytes, { threads: 1 })).release();
    },
  );
});
