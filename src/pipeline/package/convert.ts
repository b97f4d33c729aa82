import type { SampleSource } from '../../data/types.js';
import { type Conversion, executableModel, fourBitsAsBytes, toTensorrt } from '../../emit/index.js';
import { type Diagnostic, unsupportedError } from '../../errors.js';
import { opsetVersion, qualifiedType } from '../../ir/graph.js';
import type { Model } from '../../ir/model.js';
import { type Finding, lint } from '../../lint/index.js';
import { decodeModel, encodeModel, saveModel, writeAtomic } from '../../onnx/index.js';
import { modernize, scaleQueries } from '../../prepare/index.js';
import { ORT_LEVEL, openModel, openSession, ortBytes } from '../../runtime/index.js';
import type { Session } from '../../runtime/types.js';
import { alike } from '../../verify/index.js';
import { inHalf } from '../half.js';
import type { JobOptions } from '../options.js';
import { typesFor } from '../stages.js';
import { evidenceOf, toldOf } from './round-trip.js';
import type { PackageReport } from './types.js';

/** A model in another file format, not yet written. */
export interface Converted {
  report: PackageReport;
  diagnostics: Diagnostic[];
  write(file: string): Promise<string[]>;
}

/** Samples that both forms are run on. */
const SAMPLES = 4;
/** INT8, FP8 and INT4 in one opset. */
const OPSET = 21;

type Made = Pick<Converted, 'write'> & {
  bytes: number;
  operations: Model;
  changes: Record<string, number>;
  findings: Finding[];
  /** How the model and what was made of it are run to be compared, and by whom that is. */
  open: [() => Promise<Session>, () => Promise<Session>];
  verifiedBy: string;
};

const MAKERS: Record<
  Conversion['id'],
  (model: Model, options: JobOptions, source: SampleSource) => Promise<Made>
> = {
  tensorrt: forTensorrt,
  ort: forOnnxruntime,
};

/**
 * One model in another format, read back and run against what it was made from.
 * @throws QuantizeError TENSORRT_RULES (unsupported) with the rules that the model breaks
 */
export async function convert(
  format: Conversion,
  model: Model,
  source: SampleSource,
  options: JobOptions,
): Promise<Converted> {
  options.onProgress?.({ stage: 'package' });
  const made = await MAKERS[format.id](model, options, source);
  const run = await alike(made.open, source, SAMPLES, options.signal);
  const trip = { ...run, evidence: evidenceOf(source) };
  const report: PackageReport = {
    schema: 'onnx-quantize/package@1',
    format: format.id,
    bytes: made.bytes,
    operations: countOperations(made.operations),
    changes: made.changes,
    findings: made.findings,
    fallbacks: [],
    fallbackShare: 0,
    roundTrip: trip,
    verifiedBy: [`${made.verifiedBy}, on ${toldOf(trip)}`],
    notVerifiedBy: format.unverified,
  };
  const write = async (file: string) => {
    const files = await made.write(file);
    report.file = file;
    return files;
  };
  return { report, diagnostics: made.findings.map(asDiagnostic), write };
}

const asDiagnostic = ({ rule, message, node, tensor }: Finding): Diagnostic => ({
  level: 'warning',
  code: 'TENSORRT_PLACEMENT',
  message: `${rule}: ${message}`,
  where: { node, tensor },
});

async function forTensorrt(
  given: Model,
  { threads, highPrecision = 'fp32' }: JobOptions,
  source: SampleSource,
): Promise<Made> {
  const model = await modernize(given, Math.max(OPSET, opsetVersion(given)));
  const scaled = scaleQueries(model);
  const { model: float, changes } = toTensorrt(model);
  const made = highPrecision === 'fp32' ? float : inHalf(float, highPrecision, await typesFor(float, source));
  const findings = lint(made, 'tensorrt');
  refuseErrors(findings);
  const encoded = encodeModel(made);
  // Without optimisation onnxruntime computes pairs as what they mean, so that equal is equal bit for bit.
  const plain = { optimize: 'disabled', threads } as const;
  return {
    bytes: encoded.length,
    operations: made,
    changes: { ...changes, ...(scaled > 0 && { 'factors of attention moved to the queries': scaled }) },
    findings,
    open: [() => openModel(model, plain), () => openModel(executableModel(decodeModel(encoded)), plain)],
    verifiedBy: `our own reader: pairs of FP8${highPrecision === 'fp32' ? '' : ` and values of ${highPrecision}`} read back as the casts that they mean, run in onnxruntime`,
    write: (file) => saveModel(made, file),
  };
}

function refuseErrors(findings: readonly Finding[]): void {
  const errors = findings.filter((f) => f.severity === 'error');
  if (errors.length === 0) return;
  const [first] = errors;
  const rules = [...new Set(errors.map((f) => f.rule))].join(', ');
  throw unsupportedError(
    'TENSORRT_RULES',
    `TensorRT would refuse the model: ${errors.length} findings (${rules}), first: ${first.message}`,
    {
      where: { node: first.node, tensor: first.tensor },
      hint: 'quantize the float model with --target h100; `quantize lint --for tensorrt -v` explains each rule',
    },
  );
}

/** 4-bit codes stay packed if onnxruntime makes products of all that could be; it refuses its own file otherwise. */
async function inOrt(given: Model): Promise<{ model: Model; count: number; bytes: Uint8Array }> {
  const packed = fourBitsAsBytes(given, true);
  const bytes = await ortBytes(packed.model);
  if (packed.left === 0 || (await opens(bytes))) return { ...packed, bytes };
  const plain = fourBitsAsBytes(given, false);
  return { ...plain, bytes: await ortBytes(plain.model) };
}

async function opens(bytes: Uint8Array): Promise<boolean> {
  try {
    await (await openSession(bytes, { threads: 1 })).release();
    return true;
  } catch {
    return false;
  }
}

async function forOnnxruntime(given: Model, { threads }: JobOptions): Promise<Made> {
  const { model, count, bytes } = await inOrt(executableModel(given));
  return {
    bytes: bytes.length,
    operations: model,
    changes: count > 0 ? { 'constants of 4 bits written as bytes': count } : {},
    findings: [],
    open: [() => openModel(model, { optimize: ORT_LEVEL, threads }), () => openSession(bytes, { threads })],
    verifiedBy: 'onnxruntime, which wrote it: loaded again and run',
    async write(file) {
      await writeAtomic(file, bytes);
      return [file];
    },
  };
}

function countOperations({ graph }: Model): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const node of graph.nodes) counts[qualifiedType(node)] = (counts[qualifiedType(node)] ?? 0) + 1;
  return Object.fromEntries(Object.entries(counts).sort((a, b) => b[1] - a[1]));
}
