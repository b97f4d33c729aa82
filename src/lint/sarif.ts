import { rulesFor } from './rules/index.js';
import type { Finding, LintReport, Rule } from './types.js';

const SCHEMA = 'https://json.schemastore.org/sarif-2.1.0.json';

/** A report as SARIF 2.1.0, which code hosts show beside the file (OASIS, Static Analysis Results Interchange Format). */
export function lintSarif({ file, runtime, findings }: LintReport): object {
  const rules = rulesFor(runtime);
  const index = new Map(rules.map((rule, i) => [rule.id, i]));
  return {
    $schema: SCHEMA,
    version: '2.1.0',
    runs: [
      {
        tool: {
          driver: { name: 'onnx-quantize', rules: rules.map((r) => descriptor(r, r.for[runtime]!)) },
        },
        results: findings.map((finding) => result(finding, file, index.get(finding.rule)!)),
      },
    ],
  };
}

const descriptor = ({ id, what, why, fix, source }: Rule, level: string) => ({
  id,
  shortDescription: { text: what },
  fullDescription: { text: why },
  help: { text: `${fix} (${source})` },
  defaultConfiguration: { level },
});

const result = ({ rule, severity, message, node, tensor }: Finding, file: string, ruleIndex: number) => ({
  ruleId: rule,
  ruleIndex,
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

/** A relative reference as RFC 3986 has it. */
const uriOf = (file: string): string => file.split(/[\\/]/).map(encodeURIComponent).join('/');
