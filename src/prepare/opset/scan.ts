import { unsupportedError } from '../../errors.js';
import { attribute, intAttribute, intsAttribute, makeAttribute, makeNode } from '../../ir/graph.js';
import type { Graph, Node, TypeInfo, ValueInfo } from '../../ir/model.js';
import { int64Tensor } from '../../ir/tensor.js';
import { stem } from './edits.js';
import type { Adapter, Context } from './types.js';

/**
 * Scan-8 scans axis 1 of batched values, optionally fewer steps for some batch entries. Scan-9 knows no batch, so
 * an outer Scan over the batch runs the old body's Scan on one entry at a time:
 *
 *     Scan over the batch ( states, sequences[, length] )
 *         sequence ← first `length` steps
 *         Scan over the steps ( the old body )
 *         outputs  ← padded with zeros to the full length, as onnxruntime leaves them
 */
export const SCAN: readonly Adapter[] = [
  { ops: ['Scan'], since: 9, description: 'the batch axis and sequence_lens are gone', adapt: unbatch },
];

function unbatch(node: Node, context: Context): Node[] {
  const body = attribute(node, 'body')?.g;
  if (!body) return [node];
  const [lengths, ...values] = node.inputs;
  if (lengths && context.to < 13) throw lengthsError(node);
  const batch = new BatchBody(node, body, context);
  const scanned = lengths ? [...values, lengths] : values;
  const outer = makeNode(
    'Scan',
    scanned,
    node.outputs,
    [
      makeAttribute.int('num_scan_inputs', scanned.length),
      makeAttribute.graph('body', batch.build(Boolean(lengths))),
    ],
    { name: node.name },
  );
  return [outer];
}

/** Cutting and padding need Slice, Pad and Unsqueeze with their parameters as inputs. */
const lengthsError = (node: Node) =>
  unsupportedError(
    'OPSET_SCAN_LENGTHS',
    'a Scan with sequence_lens can be raised to ai.onnx 13 or later only',
    {
      where: { node: node.name || node.outputs[0] },
    },
  );

/** Builds the body of the outer Scan. */
class BatchBody {
  private readonly nodes: Node[] = [];
  private readonly constants: Graph['initializers'] = [];
  private readonly states: number;

  constructor(
    private readonly node: Node,
    private readonly body: Graph,
    private readonly context: Context,
  ) {
    this.states = node.inputs.length - 1 - intAttribute(node, 'num_scan_inputs', 1);
  }

  build(withLengths: boolean): Graph {
    const { body } = this;
    const inputs = body.inputs.map((v, i) => this.formal(v, i));
    const outputs = body.outputs.map((v, i) => this.formal(v, i));
    const length = withLengths ? this.fresh('length') : undefined;
    const read = inputs.map((v, i) => (length && i >= this.states ? this.cut(v.name, length) : v.name));
    const made = outputs.map((v, i) => (length && i >= this.states ? this.fresh('cut') : v.name));
    this.nodes.push(this.inner(read, made));
    if (length) {
      const missing = this.missing(inputs[this.states].name, length);
      outputs.forEach((v, i) => {
        if (i >= this.states) this.pad(made[i], missing, v.name);
      });
    }
    return {
      name: `${body.name || 'body'}_batch`,
      nodes: this.nodes,
      inputs: length ? [...inputs, { name: length, type: LENGTH }] : inputs,
      outputs,
      valueInfo: [],
      initializers: this.constants,
      sparseInitializers: [],
    };
  }

  private fresh(part: string): string {
    return this.context.fresh(`${stem(this.node)}_${part}`);
  }

  private ints(part: string, values: number[]): string {
    const name = this.fresh(part);
    this.constants.push(int64Tensor(name, [values.length], values));
    return name;
  }

  /** A value of the outer body: a state as in the old body, a sequence with one more axis. */
  private formal(value: ValueInfo, index: number): ValueInfo {
    const elemType = value.type?.tensor?.elemType;
    const type = index < this.states ? value.type : elemType ? { tensor: { elemType } } : undefined;
    return { name: this.fresh(`${value.name}_batch`), type };
  }

  private inner(inputs: string[], outputs: string[]): Node {
    const directions = intsAttribute(this.node, 'directions');
    return makeNode('Scan', inputs, outputs, [
      makeAttribute.int('num_scan_inputs', inputs.length - this.states),
      ...(directions?.length ? [makeAttribute.ints('scan_input_directions', directions)] : []),
      makeAttribute.graph('body', this.body),
    ]);
  }

  /** The first `length` steps of a sequence. */
  private cut(sequence: string, length: string): string {
    const [end, result] = [this.fresh('end'), this.fresh('steps')];
    const zero = this.ints('zero', [0]);
    this.nodes.push(
      makeNode('Unsqueeze', [length, zero], [end]),
      makeNode('Slice', [sequence, zero, end, zero], [result]),
    );
    return result;
  }

  /** Steps between `length` and the whole sequence, as a vector of one. */
  private missing(sequence: string, length: string): string {
    const [shape, whole, rest] = [this.fresh('shape'), this.fresh('whole'), this.fresh('rest')];
    this.nodes.push(
      makeNode('Shape', [sequence], [shape]),
      makeNode('Gather', [shape, this.ints('first', [0])], [whole]),
      makeNode('Sub', [whole, length], [rest]),
    );
    return rest;
  }

  /** Zeros after the last step; the rank is only known when it runs: pads = [0 × rank, missing, 0 × (rank - 1)]. */
  private pad(value: string, missing: string, output: string): void {
    const [shape, rank, zeros, others, tail, pads] = ['shape', 'rank', 'zeros', 'others', 'tail', 'pads'].map(
      (p) => this.fresh(p),
    );
    const zero = makeAttribute.tensor('value', int64Tensor('', [1], [0]));
    this.nodes.push(
      makeNode('Shape', [value], [shape]),
      makeNode('Shape', [shape], [rank]),
      makeNode('ConstantOfShape', [rank], [zeros], [zero]),
      makeNode('Sub', [rank, this.ints('one', [1])], [others]),
      makeNode('ConstantOfShape', [others], [tail], [zero]),
      makeNode('Concat', [zeros, missing, tail], [pads], [makeAttribute.int('axis', 0)]),
      makeNode('Pad', [value, pads], [output]),
    );
  }
}

/** A scalar int64. */
const LENGTH: TypeInfo = { tensor: { elemType: 7, shape: { dims: [] } } };
