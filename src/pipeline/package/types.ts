import type { Fallback, Package, Tiles } from '../../emit/index.js';
import type { Diagnostic, QuantizeError } from '../../errors.js';
import type { Finding } from '../../lint/index.js';
import type { JobOptions } from '../options.js';
import type { RoundTrip } from './round-trip.js';

/** What was packed, what the chip is expected to run of it, and who has checked it. */
export interface PackageReport {
  schema: 'onnx-quantize/package@1';
  format: string;
  /** Where it was written; absent when a gate failed. */
  file?: string;
  bytes: number;
  /** Bytes of each file of a package that is a folder. */
  files?: Record<string, number>;
  /** Lowest release that loads a Core ML package. */
  ios?: 17 | 18;
  /** Operation → how many, constants left out. */
  operations: Record<string, number>;
  /** How products fill the arrays of a chip that pads them. */
  tiles?: Tiles;
  /** What the chip is not expected to run. */
  fallbacks: Fallback[];
  /** Share (0…1) of the work there. */
  fallbackShare: number;
  /** Share (0…1) of multiplications on the int8 path: weight in codes, input dequantized. Of packages for chips. */
  int8Macs?: number;
  /** Of a converted model: what was changed and how often, and what the linter says of it. */
  changes?: Record<string, number>;
  findings?: Finding[];
  roundTrip: RoundTrip;
  verifiedBy: string[];
  notVerifiedBy: string[];
}

export interface Packed {
  report: PackageReport;
  contents: Package;
  diagnostics: Diagnostic[];
}

export interface ExportOptions extends JobOptions {
  /** Id of an export format. */
  to?: string;
}

export interface ExportResult {
  package: PackageReport;
  files: string[];
  /** The gate that failed although the package was written (`keep`). */
  failedGate?: QuantizeError;
}
