import type { Runtime } from './runtimes.js';
import type { Subject } from './subject.js';

/** `error`: refused, or computed wrongly; `warning`: runs, but slower or less exactly than it could. */
export type Severity = 'error' | 'warning';

/** Where a rule is broken, in one sentence. */
export interface Spot {
  message: string;
  node?: string;
  tensor?: string;
}

/** One thing that a runtime asks of a Q/DQ model. */
export interface Rule {
  /** Stable: <family>-<what>. */
  id: string;
  /** What is asked, as a sentence. */
  what: string;
  why: string;
  fix: string;
  /** Who says so. */
  source: string;
  /** Runtimes that ask it, and how serious a breach is there. */
  for: Partial<Record<Runtime, Severity>>;
  check(subject: Subject): Iterable<Spot>;
}

export interface Finding extends Spot {
  rule: string;
  severity: Severity;
}

export interface LintReport {
  schema: 'onnx-quantize/lint@1';
  file: string;
  runtime: Runtime;
  /** Q/DQ nodes that were looked at. */
  pairs: number;
  findings: Finding[];
}
