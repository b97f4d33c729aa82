import { rulesFor } from './rules/index.js';
import { type SarifResult, sarifLog, uriOf } from './sarif-log.js';
import type { Finding, LintReport, Rule } from './types.js';

/** A report as SARIF 2.1.0. */
export function lintSarif({ file, runtime, findings }: LintReport): object {
  const rules = rulesFor(runtime).map((r) => descriptor(r, r.for[runtime]!));
  return sarifLog(
    rules,
    findings.map((finding) => result(finding, file)),
  );
}

const descriptor = ({ id, what, why, fix, source }: Rule, level: string) => ({
  id,
  shortDescription: { text: what },
  fullDescription: { text: why },
  help: { text: `${fix} (${source})` },
  defaultConfiguration: { level },
});

const result = ({ rule, severity, message, node, tensor }: Finding, file: string): SarifResult => ({
  ruleId: rule,
  level: severity,
  message: { text: placed(message, node, tensor) },
  locations: [
    {
      physicalLocation: { artifactLocation: { uri: uriOf(file) } },
      logicalLocations: [
        ...(node ? [{ name: node, kind: 'function' }] : []),
        ...(tensor ? [{ name: tensor, kind: 'variable' }] : []),
      ],
    },
  ],
});

const placed = (message: string, node?: string, tensor?: string): string =>
  `${message}${node ? `, node ${node}` : ''}${tensor ? `, tensor ${tensor}` : ''}`;
