import { prune } from '../../ir/prune.js';
import { elementCount } from '../../ir/tensor.js';
import { openModel } from '../../runtime/index.js';
import type { Feeds } from '../../runtime/types.js';
import {
  type Block,
  type BlockOptions,
  batchesOf,
  blockModel,
  blocksOf,
  copyState,
  type Evaluator,
  goalOf,
  initialState,
  type Layout,
  layoutOf,
  lossOf,
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
import { undecidedStart, withConstants } from './start.js';

/** Bytes of what comes to a block and leaves it, in both networks, of all samples. */
const MEMORY = 2 ** 29;
/** One of so many samples judges. */
const JUDGE_EVERY = 8;
/** Step size relative to the root mean square of a weight's tensor, and of scales relative to them. */
const PACE = { rate: 4e-3, scaleRate: 1e-3, warmUp: 0.05, frozenEnd: 0.15, annealing: 0 };

/** What the judges said: the error at a block's output over what the float block makes, squared; behind codes, at the network's. */
export interface BlockGain {
  outputs: string[];
  before: number;
  after: number;
}

/** Values by the names of targets. */
const aimed = (values: Table, names: readonly string[]): Table =>
  Object.fromEntries(names.map((name) => [targetOf(name), values[name]]));

/** A block on its way, and what it is to make of the samples. */
interface Part {
  problem: Problem;
  layout: Layout;
  evaluator: Evaluator;
  wanted: Table;
}

/** Blocks in a row as one. */
const joined = (blocks: readonly Block[]): Block => ({
  inputs: blocks[0].inputs,
  outputs: blocks.at(-1)!.outputs,
  nodes: blocks.flatMap((b) => b.nodes),
});

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
  /** What the float network makes of all samples. */
  private answers: Table = {};

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
    const { weights, constants, undecided } = undecidedStart(draft);
    this.whole = {
      model: withConstants(this.plain, constants),
      dims,
      quantized: { plan: draft.plan, weights, undecided },
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

  /** What the network is to make of the samples, by which blocks are judged. */
  async foresee(): Promise<void> {
    const outputs = this.plain.graph.outputs.map((o) => o.name);
    const session = await openModel(this.plain, { threads: this.draft.job.options.threads });
    try {
      this.answers = await this.through(outputs, (numbers) => session.run(rowsOf(this.float, numbers)));
    } finally {
      await session.release();
    }
  }

  /** Trains the next block and lets the samples through it. */
  async take(at: number): Promise<void> {
    const block = this.blocks[at];
    const { threads } = this.draft.job.options;
    const float = await this.floatValues(block);
    const wanted = aimed(float, block.outputs);
    const problem = this.problemOf(block);
    const layout = layoutOf(problem, quantizersOf(problem));
    const evaluator = await openEvaluator(problem, block.outputs, threads);
    try {
      if (this.mayTrain(layout)) await this.train(at, { problem, layout, evaluator, wanted });
      const state = partOfState(this.state, this.layout, layout);
      this.quantized = await this.through(block.outputs, (numbers) =>
        evaluator.run({ ...rowsOf(this.quantized, numbers), ...rowsOf(wanted, numbers) }, state),
      );
    } finally {
      await evaluator.release();
    }
    for (const { name } of [...layout.parameters, ...layout.scales]) this.settled.add(name);
    this.float = float;
  }

  /**
   * Trains scales and biases of a block, judged by what it makes, and then its codes, judged by what the network makes. Codes
   * are free enough to make less of noisy inputs all over, which errs least there and is not made good behind it.
   */
  private async train(at: number, part: Part): Promise<void> {
    const { evaluator, wanted, problem, layout } = part;
    const seen = { inputs: this.quantized, wanted };
    const judge = (state: State) => lossOf(evaluator, seen, state, this.judges(), this.sized.batch);
    await this.better(at, part, { floatShare: 0, judge });
    if (!quantizersOf(problem).weights.some((q) => q.undecided)) return;
    const network = await this.judgeFrom(at, layout);
    try {
      const settings = { ...problem.settings, decideCodes: true };
      await this.better(at, { ...part, problem: { ...problem, settings } }, { floatShare: 0.5, ...network });
    } finally {
      await network.release();
    }
  }

  /** Trains a block and takes the best of its states. */
  private async better(
    at: number,
    { problem, layout, evaluator, wanted }: Part,
    { floatShare, judge }: Pick<BlockOptions, 'floatShare' | 'judge'>,
  ): Promise<void> {
    const material = { inputs: this.quantized, float: this.float, wanted };
    const start = partOfState(this.state, this.layout, layout);
    const { state, before, after } = await reconstructBlock(problem, evaluator, material, start, {
      ...{ floatShare, judge, batch: this.sized.batch, seed: at },
      schedule: { ...PACE, steps: this.steps },
      fit: this.samples.filter((n) => n % JUDGE_EVERY !== 0),
      threads: this.draft.job.options.threads,
    });
    putPart(state, layout, this.state, this.layout);
    this.gains.push({ outputs: problem.terms.map((t) => t.value), before, after });
  }

  private readonly judges = () => this.samples.filter((n) => n % JUDGE_EVERY === 0);

  /** Samples apart judge a block by what the network makes of them, the blocks behind it as they are. */
  private async judgeFrom(at: number, layout: Layout) {
    const rest = this.problemOf(joined(this.blocks.slice(at)));
    const restLayout = layoutOf(rest, quantizersOf(rest));
    const network = await openEvaluator(rest, [], this.draft.job.options.threads);
    const seen = { inputs: this.quantized, wanted: aimed(this.answers, Object.keys(this.answers)) };
    const judges = this.judges();
    return {
      judge: (state: State) => {
        const whole = copyState(this.state);
        putPart(state, layout, whole, this.layout);
        const part = partOfState(whole, this.layout, restLayout);
        return lossOf(network, seen, part, judges, this.sized.batch);
      },
      release: () => network.release(),
    };
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
        undecided: this.whole.quantized!.undecided,
        arriving: new Set(makers.flatMap((n) => n.outputs)),
      },
      terms: block.outputs.map((value) => ({
        ...{ value, target: targetOf(value), weight: 1 },
        kind: 'relative-mse',
      })),
    };
  }
}
