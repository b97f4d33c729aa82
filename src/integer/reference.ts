import { cloneModel } from '../ir/graph.js';
import type { Model } from '../ir/model.js';
import { openModel } from '../runtime/index.js';
import type { Feeds, Session, SessionOptions } from '../runtime/types.js';
import type { Values } from './execute.js';
import type { Program } from './program.js';

/** A model whose codes come out beside its outputs: what every layer reads and makes. */
function exposing({ model, units }: Program): Model {
  const copy = cloneModel(model);
  const names = new Set(copy.graph.outputs.map((v) => v.name));
  const inputs = new Set(copy.graph.inputs.map((v) => v.name));
  for (const unit of units) {
    const reads = unit.operands.filter((o) => !o.constant && !inputs.has(o.name)).map((o) => o.name);
    for (const name of [...reads, unit.output]) {
      if (names.has(name)) continue;
      names.add(name);
      copy.graph.outputs.push({ name });
    }
  }
  return copy;
}

/** onnxruntime's own run of a program's model, with the values of every layer. */
export class Reference {
  private constructor(
    private readonly session: Session,
    private readonly inputs: Set<string>,
  ) {}

  /** @param optimize `disabled`: Q/DQ pairs around float operators; `all`: fused to QLinear operators */
  static async open(program: Program, optimize: SessionOptions['optimize'], threads?: number) {
    const session = await openModel(exposing(program), { optimize, threads });
    return new Reference(session, new Set(session.inputs.map((input) => input.name)));
  }

  async run(feeds: Feeds): Promise<Values> {
    const own = Object.fromEntries(Object.entries(feeds).filter(([name]) => this.inputs.has(name)));
    return new Map(Object.entries(await this.session.run(own)));
  }

  release(): Promise<void> {
    return this.session.release();
  }
}
