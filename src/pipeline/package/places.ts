import {
  CONVERSIONS,
  type Conversion,
  conversionFor,
  PACKAGES,
  type PackageFormat,
  packageFor,
} from '../../emit/index.js';
import { nearestNames, usageError } from '../../errors.js';
import { dashed, type JobOptions } from '../options.js';
import type { ExportOptions } from './types.js';

const FORMATS = [...PACKAGES, ...CONVERSIONS];

/** What a job writes, and where. */
export interface Places {
  model?: string;
  package?: string;
  format?: PackageFormat;
}

/**
 * Where the model goes and where a package: `output` is one or the other, as its ending says.
 * @throws QuantizeError OUTPUT_TWICE, UNKNOWN_FORMAT, PACKAGE_OPTION (usage)
 */
export function outputsOf(options: JobOptions): Places {
  const { output, package: extra } = options;
  const instead = output === undefined ? undefined : packageFor(output);
  if (instead && extra !== undefined)
    throw usageError('OUTPUT_TWICE', 'both --output and --package name a package');
  const path = instead ? output : extra;
  const format = path === undefined ? undefined : packageFor(path);
  if (path !== undefined && !format)
    throw usageError('UNKNOWN_FORMAT', `"${path}" does not say which package is wanted`, {
      hint: `it ends in ${PACKAGES.map((p) => p.extension).join(' or ')}`,
    });
  refuseForeign(PACKAGES, format, options);
  return { model: instead ? undefined : output, package: path, format };
}

/**
 * What an export makes: as `to` says, or the ending of `output`.
 * @throws QuantizeError EXPORT_OUTPUT, UNKNOWN_FORMAT, PACKAGE_OPTION (usage)
 */
export function exportedAs(options: ExportOptions): PackageFormat | Conversion {
  const { to, output } = options;
  if (output === undefined || output === '-')
    throw usageError('EXPORT_OUTPUT', 'an export needs a place: --output <path>');
  const ending = packageFor(output) ?? conversionFor(output);
  const format = to === undefined ? ending : FORMATS.find((p) => p.id === to);
  if (!format)
    return to === undefined
      ? unknownFormat(output, `"${output}" does not say which format is wanted`)
      : unknownFormat(to, `unknown export format "${to}"`);
  if (ending && ending !== format)
    throw usageError('EXPORT_OUTPUT', `--to ${format.id} writes no ${ending.extension}: "${output}"`);
  refuseForeign(FORMATS, format, options);
  return format;
}

function unknownFormat(name: string, message: string): never {
  const ids = FORMATS.map((p) => p.id);
  const near = nearestNames(name, ids, 1);
  throw usageError('UNKNOWN_FORMAT', message, {
    hint: `${near.length ? `did you mean ${near[0]}? ` : ''}known: ${ids.join(', ')}`,
  });
}

type Format = PackageFormat | Conversion;

/** An option that only another format of `formats` has would be passed over without a word. */
function refuseForeign(formats: readonly Format[], chosen: Format | undefined, options: JobOptions): void {
  for (const other of formats)
    for (const name of other.options)
      if (options[name] !== undefined && !chosen?.options.some((own) => own === name))
        throw usageError(
          'PACKAGE_OPTION',
          `--${dashed(name)} is an option of ${nameOf(other)}, ${chosen ? `not of ${nameOf(chosen)}` : 'and none is written'}`,
          {
            hint: chosen ? undefined : `--output or --package says so: a path that ends in ${nameOf(other)}`,
          },
        );
}

const nameOf = ({ extension, id }: Format): string => extension ?? id;
