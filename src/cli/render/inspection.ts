import type { ValueMeta } from '../../runtime/types.js';
import type { Inspection } from '../engine.js';
import { markdownSection, paragraphs, renderSection, type Section } from './section.js';
import type { Terminal } from './terminal.js';
import { byteText, countText } from './units.js';

export const renderInspection = (inspection: Inspection, term: Terminal, verbose: boolean): string =>
  paragraphs([
    `${term.bold(inspection.file)}\n${summary(inspection)
      .map((line) => term.dim(line))
      .join('\n')}`,
    ...sections(inspection).map((section) => renderSection(section, term, verbose)),
    inspection.hazards.map((h) => `${term.warn('!')} ${h.message}`).join('\n'),
    verdict(inspection),
  ]);

export const inspectionMarkdown = (inspection: Inspection): string =>
  paragraphs([
    `# ${inspection.file}`,
    summary(inspection)
      .map((line) => `- ${line}`)
      .join('\n'),
    ...sections(inspection).map(markdownSection),
    inspection.hazards.map((h) => `- **${h.level}** ${h.message}`).join('\n'),
    verdict(inspection),
  ]);

function summary({
  bytes,
  nodes,
  parameters,
  opsets,
  irVersion,
  producer,
  dtypes,
  sha256,
}: Inspection): string[] {
  const imports = Object.entries(opsets).map(([domain, version]) => `${domain} ${version}`);
  const constants = Object.entries(dtypes).map(([dtype, count]) => `${countText(count)} ${dtype}`);
  return [
    `${byteText(bytes)}, ${nodes} nodes, ${countText(parameters)} parameters (${constants.join(', ')})`,
    `opset ${imports.join(', ')}, IR ${irVersion}${producer ? `, made by ${producer}` : ''}`,
    `sha256 ${sha256}`,
  ];
}

function sections({ inputs, outputs, operators, integer, float, target }: Inspection): Section[] {
  const value = (kind: string) => (v: ValueMeta) => [v.name, kind, v.dtype ?? '', v.dims.join('×')];
  const byCount = Object.entries(operators).sort((a, b) => b[1] - a[1]);
  return [
    {
      title: 'inputs and outputs',
      head: ['name', 'is', 'type', 'shape'],
      rows: [...inputs.map(value('input')), ...outputs.map(value('output'))],
      brief: 10,
    },
    {
      title: `operators: ${byCount.length}`,
      head: ['operator', 'nodes'],
      rows: byCount.map(([name, count]) => [name, String(count)]),
      numeric: [1],
      brief: 12,
    },
    {
      title: `computes in integers on ${target}: ${integer.length} nodes`,
      head: ['node', 'operator', 'reason'],
      rows: integer.map((i) => [i.node, i.opType, i.reason]),
      brief: 0,
    },
    {
      title: `stays in float on ${target}: ${float.length} nodes`,
      head: ['node', 'operator', 'reason'],
      rows: float.map((f) => [f.node, f.opType, f.reason]),
      brief: 10,
    },
  ];
}

function verdict({ quantized, integer, float, scheme, target }: Inspection): string {
  if (quantized) return 'This model is already quantized: quantize would refuse it.';
  const all = integer.length + float.length;
  return `With ${scheme}, ${integer.length} of ${all} nodes compute in integers on ${target}.`;
}
