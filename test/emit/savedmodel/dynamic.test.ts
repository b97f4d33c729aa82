import { describe, expect, it } from 'vitest';
import { FILES } from '../../../src/emit/savedmodel/index.js';
import { liftPackage } from '../../../src/emit/savedmodel/lift/index.js';
import { distance, node, run } from '../../prepare/opset/build.js';
import { OPEN, openModel, openPackage } from './open.js';

describe('a batch left open', () => {
  it.each(OPEN)('$name', async (c) => {
    const pack = await openPackage(c);
    const module = Buffer.from(pack.files.find((f) => f.path === FILES.module)!.chunks[0]).toString();
    expect(module).toContain('jax.uses_shape_polymorphism = true');
    expect(module).toMatch(/@main\(%0: tensor<\?x/);
    const saved = new Uint8Array(Buffer.concat(pack.files.find((f) => f.path === FILES.tpu)!.chunks));
    for (const batch of [1, 3]) {
      const a = c.input(batch);
      const ports = (list: typeof pack.lowered.inputs) =>
        list.map((p) => ({ ...p, dims: [batch * c.rows, ...p.dims.slice(1)] }));
      const { inputs, outputs } = pack.lowered;
      const read = liftPackage(saved, {
        inputs: inputs.map((p) => ({ ...p, dims: a.dims })),
        outputs: ports(outputs),
      });
      const [expected, got] = [await run(openModel(c), { a }), await run(read, { a })];
      expect(distance(expected.y, got.y)).toBeLessThanOrEqual(1e-5);
    }
  });

  it('is refused where a constant depends on it', async () => {
    const nodes = [node('Shape', 'a', 's'), node('Cast', 's', 'y', { to: 1 })];
    await expect(openPackage({ ...OPEN[2], nodes })).rejects.toMatchObject({ code: 'STABLEHLO_BATCH' });
  });
});
