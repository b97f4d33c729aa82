import type { Diagnostic } from '../errors.js';
import { dtypeName } from '../ir/dtypes.js';
import { allGraphs, allNodes, qualifiedType } from '../ir/graph.js';
import type { Model } from '../ir/model.js';
import { elementCount } from '../ir/tensor.js';
import { type LoadedModel, loadModel } from '../onnx/index.js';
import { describeFlow, hazards } from '../plan/index.js';
import type { FloatPlan, IntegerPlan } from '../plan/types.js';
import { graphInputs, inferTypes, quantizedNodes, valueMeta } from '../prepare/index.js';
import type { ValueMeta } from '../runtime/types.js';
import type { JobOptions } from './options.js';
import { planInput, prepareFor } from './stages.js';

/** What is in a model, what the target can run of it, and what will hurt; needs no data. */
export interface Inspection {
  schema: 'onnx-quantize/inspection@1';
  file: string;
  sha256: string;
  bytes: number;
  irVersion: number;
  opsets: Record<string, number>;
  producer: string;
  inputs: ValueMeta[];
  outputs: ValueMeta[];
  nodes: number;
  /** Operator type → how many, nested graphs and functions included. */
  operators: Record<string, number>;
  parameters: number;
  /** Element type → elements of constants. */
  dtypes: Record<string, number>;
  quantized: boolean;
  target: string;
  scheme: string;
  /** Nodes of the prepared model that compute in integers on the target, and those that do not, with reasons. */
  integer: IntegerPlan[];
  float: FloatPlan[];
  hazards: Diagnostic[];
}

export async function inspect(options: JobOptions): Promise<Inspection> {
  const loaded = loadModel(options.model);
  const { model } = loaded;
  const facts = contents(options.model, loaded);
  if (quantizedNodes(model).length > 0)
    return {
      ...facts,
      quantized: true,
      target: options.target,
      scheme: '',
      integer: [],
      float: [],
      hazards: [],
    };
  const job = await prepareFor(options, loaded);
  const types = await inferTypes(job.prepared);
  const input = planInput(job, types);
  return {
    ...facts,
    quantized: false,
    target: job.target.id,
    scheme: job.scheme.name,
    ...describeFlow(input),
    hazards: [...job.diagnostics, ...hazards(input)],
  };
}

function contents(file: string, { model, sha256, bytes }: LoadedModel) {
  const operators: Record<string, number> = {};
  for (const node of nodesOf(model))
    operators[qualifiedType(node)] = (operators[qualifiedType(node)] ?? 0) + 1;
  const dtypes: Record<string, number> = {};
  for (const graph of allGraphs(model.graph))
    for (const t of graph.initializers) {
      const name = dtypeName(t.dataType) ?? `type ${t.dataType}`;
      dtypes[name] = (dtypes[name] ?? 0) + elementCount(t.dims);
    }
  return {
    schema: 'onnx-quantize/inspection@1' as const,
    file,
    sha256,
    bytes,
    irVersion: model.irVersion ?? 0,
    opsets: Object.fromEntries(model.opsetImports.map((o) => [o.domain || 'ai.onnx', o.version ?? 0])),
    producer: [model.producerName, model.producerVersion].filter(Boolean).join(' '),
    inputs: graphInputs(model),
    outputs: model.graph.outputs.map(valueMeta),
    nodes: nodesOf(model).length,
    operators,
    parameters: Object.values(dtypes).reduce((a, b) => a + b, 0),
    dtypes,
  };
}

const nodesOf = (model: Model) => [...allNodes(model.graph), ...model.functions.flatMap((f) => f.nodes)];
