import { IntegerKernels } from '../../kernels/integer.js';
import { bugError } from '../errors.js';
import { elementCount } from '../ir/tensor.js';
import type { Feeds, TensorValue } from '../runtime/types.js';
import { centred } from './elementwise.js';
import { finish } from './finish.js';
import { NodeRunner } from './nodes.js';
import { type Program, unitReads } from './program.js';
import type { FloatStep, Operand, Outcome, Unit } from './types.js';

/** Values of a run by name. */
export type Values = Map<string, TensorValue>;

/** What a step left when it ran, for whoever watches. */
export type Watch = (unit: Unit, operands: Operand[], outcome: Outcome, values: Values) => Promise<void>;

/** Runs a program: layers in integers, everything else in float in onnxruntime. */
export class Executor {
  readonly kernels = new IntegerKernels();
  private readonly nodes: NodeRunner;
  private readonly lastUse: Map<string, number>;

  constructor(
    readonly program: Program,
    threads?: number,
  ) {
    this.nodes = new NodeRunner(program.model, threads);
    this.lastUse = lastUses(program);
  }

  /** The graph's outputs for one sample. Values are dropped after their last use. */
  async run(feeds: Feeds, watch?: Watch): Promise<Values> {
    const values: Values = new Map(Object.entries(feeds));
    for (const [at, step] of this.program.steps.entries()) {
      if (step.kind === 'float') await this.runFloat(step, values);
      else {
        const operands = operandsOf(step, values);
        const outcome = await this.evaluate(step, operands, values, step.bias?.codes);
        values.set(step.output, valueMade(step, outcome));
        await watch?.(step, operands, outcome, values);
      }
      for (const [name, last] of this.lastUse) if (last === at) values.delete(name);
    }
    return values;
  }

  /** One layer on the given operands; `values` holds what else its node reads. */
  async evaluate(unit: Unit, operands: Operand[], values: Values, bias?: Int32Array): Promise<Outcome> {
    const { evaluate } = unit.form;
    return evaluate ? evaluate(this.kernels, unit, operands, bias) : this.move(unit, operands, values);
  }

  release(): Promise<void> {
    return this.nodes.release();
  }

  private async runFloat({ node, reads }: FloatStep, values: Values): Promise<void> {
    const feeds = Object.fromEntries(reads.map((name) => [name, known(values, name)]));
    for (const [name, value] of Object.entries(await this.nodes.run(node, feeds))) values.set(name, value);
  }

  /** Codes less their zero point travel through the float operator, which holds them exactly and changes none. */
  private async move(unit: Unit, operands: Operand[], values: Values): Promise<Outcome> {
    const { node, form } = unit;
    const feeds: Feeds = {};
    form.data(node).forEach((input, i) => {
      const data = new Float32Array(centred(this.kernels, operands[i]));
      feeds[node.inputs[input]] = { dtype: 'float32', dims: operands[i].dims, data };
    });
    for (const name of unitReads(unit)) {
      const isData = operands.some((_, i) => unit.operands[i].name === name);
      if (!isData && values.has(name)) feeds[name] = known(values, name);
    }
    const { data, dims } = (await this.nodes.run(node, feeds))[unit.result];
    const shape = { outer: 1, channels: 1, inner: elementCount(dims) };
    const sums = new Int32Array(data as Float32Array);
    return finish(this.kernels, unit.grid, sums, dims, shape, operands[0].grid.scales[0]);
  }
}

function known(values: Values, name: string): TensorValue {
  const value = values.get(name);
  if (value) return value;
  throw bugError('INTEGER_ORDER', `the integer path reads "${name}" before it is made`);
}

/** The operands of a layer as a run left them, and from `otherwise` what it did not give out. */
export const operandsOf = (unit: Unit, values: Values, otherwise = values): Operand[] =>
  unit.operands.map(({ name, grid, constant }) => {
    if (constant) return constant;
    const { dims, data } = known(values.has(name) ? values : otherwise, name);
    return { dims, grid, codes: data as Operand['codes'] };
  });

const valueMade = ({ grid }: Unit, { dims, values }: Outcome): TensorValue => ({
  dtype: grid ? (grid.format.signed ? 'int8' : 'uint8') : 'float32',
  dims,
  data: values,
});

/** The last step that reads each value; the graph's outputs stay. */
function lastUses({ steps, model }: Program): Map<string, number> {
  const uses = new Map<string, number>();
  for (const [at, step] of steps.entries())
    for (const name of step.kind === 'unit' ? unitReads(step) : step.reads) uses.set(name, at);
  for (const output of model.graph.outputs) uses.delete(output.name);
  return uses;
}
