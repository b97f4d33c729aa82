import type { SampleSource } from '../../data/types.js';
import {
  type Conversion,
  type Packable,
  type PackageFormat,
  type PackageSettings,
  packOf,
} from '../../emit/index.js';
import { type Diagnostic, gateError, invalidError, type QuantizeError, usageError } from '../../errors.js';
import { checkGraph, checkTensors } from '../../ir/check.js';
import type { Model } from '../../ir/model.js';
import { loadModel, saveFolder } from '../../onnx/index.js';
import { graphInputs, inPairs, specialize } from '../../prepare/index.js';
import type { JobOptions } from '../options.js';
import { besideModel, pixelMap, samplesOf } from '../samples.js';
import { stopIfAborted } from '../stages.js';
import { convert } from './convert.js';
import { exportedAs } from './places.js';
import { differences, roundTrip, type Sized, toldOf } from './round-trip.js';
import type { ExportOptions, ExportResult, PackageReport, Packed } from './types.js';

export type { ExportOptions, ExportResult, PackageReport, Packed } from './types.js';

/**
 * Packs a model that the user has, quantized or not.
 * @throws QuantizeError COREML_OPERATOR, TENSORRT_RULES (unsupported), UNKNOWN_FORMAT, EXPORT_OUTPUT (usage), FALLBACK_GATE (gate)
 */
export async function exportModel(options: ExportOptions): Promise<ExportResult> {
  const format = exportedAs(options);
  options.onProgress?.({ stage: 'load', message: options.model });
  const { model: given } = loadModel(options.model);
  checkGraph(given);
  checkTensors(given);
  const model = 'onCodes' in format ? given : await withoutCodes(given, options);
  const source = await samplesOf(options, model, options.calibration ?? besideModel(options.model));
  for (const d of source.diagnostics ?? []) options.onDiagnostic?.(d);
  if (!('chip' in format)) return exportConverted(format, model, source, options);
  const packed = await pack(format, { model, stored: new Map(), plain: [], float8s: [] }, source, options);
  for (const d of packed.diagnostics) options.onDiagnostic?.(d);
  const failure = fallbackFailure(packed.report, options);
  if (failure && !options.keep) throw failure;
  stopIfAborted(options.signal);
  const files = [await writePackage(packed, options.output!)];
  return { package: packed.report, files, failedGate: failure };
}

/** The model without operators on codes, which only onnxruntime has. */
async function withoutCodes(given: Model, { onDiagnostic }: ExportOptions): Promise<Model> {
  const { model, count } = await inPairs(given);
  if (count > 0)
    onDiagnostic?.({
      level: 'note',
      code: 'OPERATORS_ON_CODES',
      message: `${count} operators on codes (QLinearConv, MatMulNBits and their like) are taken as float operators between Q/DQ pairs`,
    });
  return model;
}

async function exportConverted(
  format: Conversion,
  model: Model,
  source: SampleSource,
  options: ExportOptions,
) {
  const converted = await convert(format, model, source, options);
  for (const d of converted.diagnostics) options.onDiagnostic?.(d);
  stopIfAborted(options.signal);
  return { files: await converted.write(options.output!), package: converted.report };
}

/** Makes the package for the shapes of the first sample, reads it back, and runs it against the model. */
export async function pack(
  format: PackageFormat,
  { model, stored, plain, float8s }: Packable,
  source: SampleSource,
  options: JobOptions,
): Promise<Packed> {
  options.onProgress?.({ stage: 'package' });
  const dims = await firstDims(source);
  const special = await specialize(model, dims);
  const batches = options.dynamicBatch ? await otherBatches(model, dims) : undefined;
  const pixels = options.image ? pixelMap(options, model) : undefined;
  const settings = { ...settingsOf(options), image: pixels?.image, stored };
  const make = packOf(format);
  const contents = make(special.model, special.types, { ...settings, batches });
  const plainly = (sized: Sized) => make(sized.model, sized.types, { ...settings, image: undefined });
  const trip = await roundTrip(format, special, contents, plainly, sameShape(source, dims), options);
  const { legality } = contents;
  const sizes = contents.files.map((f) => [f.path, f.chunks.reduce((m, c) => m + c.length, 0)] as const);
  const report: PackageReport = {
    schema: 'onnx-quantize/package@1',
    format: format.id,
    bytes: sizes.reduce((sum, [, bytes]) => sum + bytes, 0),
    files: Object.fromEntries(sizes),
    ...(format.options.includes('ios') && { ios: settingsOf(options).ios }),
    ...legality,
    ...(contents.tiles && { tiles: contents.tiles }),
    roundTrip: trip,
    verifiedBy: [`our own reader: read back from its bytes, run in onnxruntime on ${toldOf(trip)}`],
    notVerifiedBy: format.unverified,
  };
  return {
    report,
    contents,
    diagnostics: [
      ...unsaid(pixels?.assumed, source),
      ...contents.diagnostics,
      ...keptFloat(format.float8 ? plain : [...plain, ...float8s], format),
      ...differences(trip, format),
    ],
  };
}

/** Two batches that nothing else in a network is likely to be a multiple of. */
const OTHER_BATCHES = [7, 11] as const;

/**
 * The model with two other batches, for formats that leave it open.
 * @throws QuantizeError BATCH_FIXED (usage) where no input leaves its first axis open
 */
async function otherBatches(model: Model, dims: Record<string, number[]>) {
  const open = graphInputs(model).filter((i) => !(typeof i.dims[0] === 'number' && i.dims[0] > 0));
  if (open.length === 0)
    throw usageError(
      'BATCH_FIXED',
      'the model fixes the first axis of every input, so there is no batch to leave open',
    );
  const sized = (batch: number) => {
    const resized = open.map((i) => [i.name, [batch, ...dims[i.name].slice(1)]]);
    return specialize(model, { ...dims, ...Object.fromEntries(resized) });
  };
  const [a, b] = OTHER_BATCHES;
  return [await sized(a), await sized(b)] as const;
}

/** What the samples have not said already. */
const unsaid = (assumed: Diagnostic | undefined, { diagnostics = [] }: SampleSource): Diagnostic[] =>
  assumed && !diagnostics.some((d) => d.code === assumed.code) ? [assumed] : [];

const settingsOf = (options: JobOptions): PackageSettings => ({
  ios: options.ios ?? 18,
  io: options.io ?? 'fp16',
  compute: options.compute === 'fp32' ? 'f32' : 'bf16',
});

async function firstDims(source: SampleSource): Promise<Record<string, number[]>> {
  for await (const { feeds } of source.samples())
    return Object.fromEntries(Object.entries(feeds).map(([name, value]) => [name, value.dims]));
  throw invalidError('NO_SAMPLES', `there are no samples in ${source.description}`);
}

/** A package takes one shape; samples of others cannot be run through it. */
const sameShape = (source: SampleSource, dims: Record<string, number[]>): SampleSource => ({
  ...source,
  count: undefined,
  async *samples(wanted) {
    for await (const sample of source.samples(wanted))
      if (Object.entries(sample.feeds).every(([name, v]) => v.dims.join() === dims[name].join()))
        yield sample;
  },
});

function keptFloat(plain: string[], { float }: PackageFormat): Diagnostic[] {
  if (plain.length === 0) return [];
  const message = `${plain.length} weights are stored as ${float}: the package has no form for their codes, or none that saves anything (first: ${plain[0]})`;
  return [{ level: 'note', code: 'PACKAGE_WEIGHT_FLOAT', message }];
}

/** The gate on work outside the chip, in percent. */
export function fallbackFailure(
  { fallbackShare, fallbacks }: PackageReport,
  { failOnFallback }: JobOptions,
): QuantizeError | undefined {
  if (failOnFallback === undefined || fallbackShare * 100 <= failOnFallback) return undefined;
  const types = [...new Set(fallbacks.map((f) => f.operation))].join(', ');
  const why = [...new Set(fallbacks.map((f) => f.reason))].join('; ');
  return gateError(
    'FALLBACK_GATE',
    `${(fallbackShare * 100).toFixed(1)} % of the work falls to the CPU or GPU (${types}), limit ${failOnFallback} %`,
    { hint: `${why}; --keep writes it all the same, with a report of every operation` },
  );
}

/** Whole or not at all; returns the path. */
export async function writePackage(packed: Packed, file: string): Promise<string> {
  await saveFolder(file, packed.contents.files);
  packed.report.file = file;
  return file;
}
