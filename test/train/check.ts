import { makeNode, nameAllocator, usedNames } from '../../src/ir/graph.js';
import type { Model, Node, Tensor } from '../../src/ir/model.js';
import { elementCount, floatValues, makeTensor, tensorDtype } from '../../src/ir/tensor.js';
import { inferTypes } from '../../src/prepare/index.js';
import { openModel } from '../../src/runtime/index.js';
import type { Feeds, Session, TensorValue } from '../../src/runtime/types.js';
import { backward } from '../../src/train/backward.js';
import { Builder, type Real } from '../../src/train/builder.js';
import { model, seeded, value } from '../prepare/helpers.js';

export interface Case {
  nodes: Node[];
  /** Float inputs by name. */
  inputs: Record<string, number[]>;
  output?: string;
  constants?: Tensor[];
  /** Makes an input's value of one in [−1, 1). */
  draw?(u: number, input: string): number;
  real?: Real;
}

const OPSET = 21;
const SEED_OF_LOSS = 99;

const array = (real: Real, values: ArrayLike<number>) =>
  real === 'float64' ? Float64Array.from(values) : Float32Array.from(values);
const asReal = (t: Tensor, real: Real): Tensor =>
  tensorDtype(t) === 'float32' && real === 'float64'
    ? makeTensor(t.name!, real, t.dims, Float64Array.from(floatValues(t)))
    : t;

function forwardModel({ nodes, inputs, output = 'y', constants = [] }: Case, real: Real): Model {
  const elem = real === 'float64' ? 11 : 1;
  return model(
    {
      nodes: nodes.map((n) => ({ ...n, outputs: [...n.outputs] })),
      inputs: Object.entries(inputs).map(([name, dims]) => value(name, dims, elem)),
      outputs: [{ name: output }],
      initializers: constants.map((t) => asReal(t, real)),
    },
    { opset: OPSET, irVersion: 10 },
  );
}

/** The forward model with outputs that are the gradients of Σ r·y by its inputs. */
async function gradientModel(forward: Model, dims: Map<string, number[]>, real: Real): Promise<Model> {
  const { graph } = forward;
  const b = new Builder(nameAllocator(usedNames(graph)), real);
  const constants = new Map(graph.initializers.map((t) => [t.name!, t]));
  const out = graph.outputs[0].name;
  const seed = b.reals(weights(dims.get(out)!), dims.get(out)!);
  const { gradients, cuts } = backward(
    b,
    { nodes: graph.nodes, dims: (name) => dims.get(name)!, constant: (name) => constants.get(name) },
    new Map([[out, seed]]),
    graph.inputs.map((i) => i.name),
  );
  if (cuts.length) throw new Error(cuts.map((c) => c.reason).join());
  const named = graph.inputs.map((i) => makeNode('Identity', [gradients.get(i.name)!], [`d_${i.name}`]));
  return {
    ...forward,
    graph: {
      ...graph,
      nodes: [...graph.nodes, ...b.nodes, ...named],
      initializers: [...graph.initializers, ...b.initializers],
      outputs: graph.inputs.map((i) => ({ name: `d_${i.name}` })),
    },
  };
}

function weights(dims: number[]): Float64Array {
  const next = seeded(SEED_OF_LOSS);
  return Float64Array.from({ length: elementCount(dims) }, () => Math.fround(next()));
}

async function loss(session: Session, feeds: Feeds, r: Float64Array): Promise<number> {
  const [y] = Object.values(await session.run(feeds));
  return (y.data as Float32Array).reduce((sum, v, i) => sum + v * r[i], 0);
}

/** Step of the central difference: 64-bit values lose 1e-10 at it, 32-bit ones 1e-4, and curvature costs h². */
const H: Record<Real, number> = { float64: 1e-4, float32: 1 / 64 };

/** Relative L2 error of each input's gradient, times `fault`, against central differences. */
export async function gradientErrors(c: Case, real: Real, fault = 1): Promise<Record<string, number>> {
  const forward = forwardModel(c, real);
  const types = await inferTypes(forward, c.inputs);
  const dims = new Map([...types].map(([name, meta]) => [name, meta.dims as number[]]));
  const session = await openModel(await gradientModel(forward, dims, real), { threads: 1 });
  const plain = await openModel(forwardModel(c, real), { threads: 1, optimize: 'disabled' });
  const next = seeded(5);
  const feeds: Feeds = {};
  for (const [name, d] of Object.entries(c.inputs)) {
    const data = array(
      real,
      Array.from({ length: elementCount(d) }, () => c.draw?.(next(), name) ?? next()),
    );
    feeds[name] = { dtype: real, dims: d, data } as TensorValue;
  }
  const r = weights(dims.get(c.output ?? 'y')!);
  const made = await session.run(feeds);
  const errors: Record<string, number> = {};
  for (const name of Object.keys(c.inputs)) {
    const expected = await differences(plain, feeds, name, r, H[real]);
    const gradient = Float64Array.from(made[`d_${name}`].data as Float32Array, (g) => fault * g);
    errors[name] = distance(gradient, expected);
  }
  await Promise.all([session.release(), plain.release()]);
  return errors;
}

async function differences(session: Session, feeds: Feeds, name: string, r: Float64Array, h: number) {
  const data = feeds[name].data as Float64Array;
  const result = new Float64Array(data.length);
  for (let i = 0; i < data.length; i++) {
    const at = data[i];
    data[i] = at + h;
    const [high, up] = [await loss(session, feeds, r), data[i]];
    data[i] = at - h;
    result[i] = (high - (await loss(session, feeds, r))) / (up - data[i]);
    data[i] = at;
  }
  return result;
}

function distance(a: ArrayLike<number>, b: Float64Array): number {
  let [error, norm] = [0, 0];
  for (let i = 0; i < b.length; i++) {
    error += (a[i] - b[i]) ** 2;
    norm += b[i] ** 2;
  }
  return Math.sqrt(error / Math.max(norm, 1e-12));
}

/** float64 where onnxruntime has the kernels, float32 elsewhere. */
export async function checked(c: Case): Promise<{ real: Real; errors: Record<string, number> }> {
  const { real = 'float64' } = c;
  return { real, errors: await gradientErrors(c, real) };
}
