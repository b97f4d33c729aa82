const SCHEMA = 'https://json.schemastore.org/sarif-2.1.0.json';

export interface SarifRule {
  id: string;
  [more: string]: unknown;
}

export interface SarifResult {
  ruleId: string;
  level: 'error' | 'warning' | 'note';
  message: { text: string };
  locations: object[];
}

/**
 * Results of one tool as SARIF 2.1.0, which code hosts show beside the file (OASIS, Static Analysis Results Interchange
 * Format). Each result must name one of the rules.
 */
export function sarifLog(rules: readonly SarifRule[], results: readonly SarifResult[]): object {
  const index = new Map(rules.map((rule, i) => [rule.id, i]));
  return {
    $schema: SCHEMA,
    version: '2.1.0',
    runs: [
      {
        tool: { driver: { name: 'onnx-quantize', rules } },
        results: results.map((result) => ({ ...result, ruleIndex: index.get(result.ruleId)! })),
      },
    ],
  };
}

/** A relative reference as RFC 3986 has it. */
export const uriOf = (file: string): string => file.split(/[\\/]/).map(encodeURIComponent).join('/');
