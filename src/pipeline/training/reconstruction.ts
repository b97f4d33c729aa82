import { prune } from '../../ir/prune.js';
import { elementCount } from '../../ir/tensor.js';
import { openModel } from '../../runtime/index.js';
import type { Feeds } from '../../runtime/types.js';
import {
  type Block,
  batchesOf,
  blockModel,
  blocksOf,
  goalOf,
  initialState,
  type Layout,
  layoutOf,
  openEvaluator,
  type Problem,
  partOfState,
  putPart,
  type Quantizers,
  quantizersOf,
  reconstructBlock,
  rowsOf,
  type State,
  store,
  type Table,
  targetOf,
} from '../../train/index.js';
import type { Draft } from '../draft.js';
import { trainedDraft } from './finish.js';
import type { Sized } from './sizes.js';
import { startOf, withConstants } from './start.js';

/** Bytes of what comes to a block and leaves it, in both networks, of all samples. */
const MEMORY = 2 ** 29;
/** One of so many samples judges. */
const JUDGE_EVERY = 8;
/** Step size relative to the root mean square of a weight's tensor, and of scales relative to them. */
const PACE = { rate: 4e-3, scaleRate: 1e-3, warmUp: 0.05, frozenEnd: 0.15, annealing: 0 };

/** What the judges said of one block: the error at its output over what the float block makes, squared. */
export interface BlockGain {
  outputs: string[];
  before: number;
  after: number;
}

/** A network that is trained block after block, and the values of all samples on their way through both networks. */
export class Reconstruction {
  readonly blocks: Block[];
  readonly gains: BlockGain[] = [];
  private readonly plain: Sized['model'];
  private readonly whole: Problem;
  private readonly quantizers: Quantizers;
  private readonly layout: Layout;
  private readonly state: State;
  /** Scales and constants of blocks that are done: others that share them take them as they are. */
  private readonly settled = new Set<string>();
  private float: Table = {};
  private quantized: Table = {};
  private samples: number[] = [];

  constructor(
    private readonly draft: Draft,
    private readonly sized: Sized,
    private readonly steps: number,
  ) {
    const { model, dims, batch } = sized;
    // Scores are compared before their Softmax, behind which small ones no longer show.
    const outputs = goalOf(model, dims, []).terms.map(({ value }) => ({ name: value }));
    this.plain = { ...model, graph: { ...model.graph, outputs } };
    prune(this.plain.graph);
    const { weights, constants } = startOf(draft, true);
    this.whole = {
      model: withConstants(this.plain, constants),
      dims,
      quantized: { plan: draft.plan, weights },
      terms: [],
      settings: { optimiser: 'adam', learnScales: true, clip: 1, annealing: false, heldCodes: true },
    };
    this.quantizers = quantizersOf(this.whole);
    this.layout = layoutOf(this.whole, this.quantizers);
    this.state = initialState(this.layout, this.whole.model.graph.initializers);
    const type = (name: string) => draft.types.get(name)?.dtype;
    this.blocks = blocksOf(this.plain, (name) => dims.get(name)?.[0] === batch && type(name) === 'float32');
  }

  /** Takes as many samples, one in each, as the memory allows. */
  feed(samples: readonly Feeds[]): void {
    const { dims, batch } = this.sized;
    const values = (names: readonly string[]) =>
      names.reduce((n, name) => n + elementCount(dims.get(name)!) / batch, 0);
    const bytes = Math.max(...this.blocks.map((b) => 2 * 4 * (values(b.inputs) + values(b.outputs))));
    const count = Math.min(samples.length, Math.max(batch, Math.floor(MEMORY / bytes)));
    this.samples = Array.from({ length: count }, (_, i) => i);
    for (const n of this.samples) store(this.float, [n], samples[n], count);
    this.quantized = this.float;
  }

  /** Trains the next block and lets the samples through it. */
  async take(block: Block, seed: number): Promise<void> {
    const { threads } = this.draft.job.options;
    const float = await this.floatValues(block);
    const wanted = Object.fromEntries(block.outputs.map((name) => [targetOf(name), float[name]]));
    const problem = this.problemOf(block);
    const layout = layoutOf(problem, quantizersOf(problem));
    const evaluator = await openEvaluator(problem, block.outputs, threads);
    try {
      const material = { inputs: this.quantized, wanted };
      const start = partOfState(this.state, this.layout, layout);
      const { state, before, after } = this.mayTrain(layout)
        ? await reconstructBlock(problem, evaluator, material, start, {
            batch: this.sized.batch,
            schedule: { ...PACE, steps: this.steps },
            seed,
            fit: this.samples.filter((n) => n % JUDGE_EVERY !== 0),
            judges: this.samples.filter((n) => n % JUDGE_EVERY === 0),
            threads,
          })
        : { state: start, before: 0, after: 0 };
      putPart(state, layout, this.state, this.layout);
      this.gains.push({ outputs: block.outputs, before, after });
      this.quantized = await this.through(block.outputs, (numbers) =>
        evaluator.run({ ...rowsOf(this.quantized, numbers), ...rowsOf(wanted, numbers) }, state),
      );
    } finally {
      await evaluator.release();
    }
    for (const { name } of [...layout.parameters, ...layout.scales]) this.settled.add(name);
    this.float = float;
  }

  /** Weights keep their float values in the model, so that what comes after still knows them. */
  result(): Draft {
    return trainedDraft(this.draft, this.state, this.layout, this.quantizers, true);
  }

  /** What an earlier block has trained already would change under it. */
  private mayTrain({ parameters, scales }: Layout): boolean {
    const places = [...parameters, ...scales];
    return places.length > 0 && !places.some(({ name }) => this.settled.has(name));
  }

  private async floatValues(block: Block): Promise<Table> {
    const { threads } = this.draft.job.options;
    const session = await openModel(blockModel(this.plain, block, this.sized.dims), { threads });
    try {
      return await this.through(block.outputs, (numbers) => session.run(rowsOf(this.float, numbers)));
    } finally {
      await session.release();
    }
  }

  private async through(
    names: readonly string[],
    run: (numbers: number[]) => Promise<Feeds>,
  ): Promise<Table> {
    const table: Table = {};
    for (const numbers of batchesOf(this.samples, this.sized.batch)) {
      const out = await run(numbers);
      const values = Object.fromEntries(names.map((name) => [name, out[name]]));
      store(table, numbers, values, this.samples.length);
    }
    return table;
  }

  private problemOf(block: Block): Problem {
    const { plan } = this.draft;
    const made = block.nodes.flatMap((n) => n.outputs);
    const inside = new Set([...block.inputs, ...made.filter((name) => !block.outputs.includes(name))]);
    const isSettled = (key: string) => this.settled.has(`activation ${key}`);
    const activations = plan.activations
      .filter((a) => inside.has(a.tensor))
      .map((a) => (isSettled(a.sharedWith ?? a.tensor) ? { ...a, method: 'fixed' } : a));
    const integer = new Set(plan.integer.map((i) => i.node));
    const makers = this.plain.graph.nodes.filter((n) => integer.has(n.name ?? ''));
    return {
      ...this.whole,
      model: blockModel(this.whole.model, block, this.sized.dims),
      quantized: {
        plan: { ...plan, activations },
        weights: this.whole.quantized!.weights,
        arriving: new Set(makers.flatMap((n) => n.outputs)),
      },
      terms: block.outputs.map((value) => ({
        ...{ value, target: targetOf(value), weight: 1 },
        kind: 'relative-mse',
      })),
    };
  }
}
