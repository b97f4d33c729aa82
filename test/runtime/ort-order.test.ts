import { describe, expect, it } from 'vitest';
import { makeNode } from '../../src/ir/graph.js';
import { openSession } from '../../src/runtime/index.js';
import { ortBytes } from '../../src/runtime/ort-format.js';
import { orderKernelTypes } from '../../src/runtime/ort-order.js';
import { network } from '../plan/cases.js';

const OPS = ['Sigmoid', 'Tanh', 'Exp', 'Neg', 'Floor', 'Softmax', 'Sqrt', 'Abs'];

describe('orderKernelTypes', () => {
  it('leaves operators in order of their names, in a file that opens', async () => {
    const chain = network({
      nodes: OPS.map((op, i) => makeNode(op, [i === 0 ? 'x' : `v${i - 1}`], [`v${i}`])),
      outputs: [`v${OPS.length - 1}`],
    });
    const bytes = await ortBytes(chain);
    // Strings lie behind all else, in order as well; lists of operators are by key.
    const text = Buffer.from(bytes).toString('latin1');
    const found = [...text.matchAll(/:([A-Z]\w+):\d+/g)].map((m) => m[1]);
    expect(found).toEqual([...OPS].sort());
    expect(Buffer.from(orderKernelTypes(bytes)).equals(bytes)).toBe(true);
    const session = await openSession(bytes, { threads: 1 });
    await session.release();
  });
});
