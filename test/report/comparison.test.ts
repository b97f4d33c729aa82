import { Ajv2020 } from 'ajv/dist/2020.js';
import { describe, expect, it } from 'vitest';
import { paretoFront } from '../../src/report/comparison.js';
import {
  COMPARISON_SCHEMA,
  compareReports,
  comparisonHtml,
  comparisonMarkdown,
  comparisonTable,
  REPORT_SCHEMA,
} from '../../src/report/index.js';
import { detailedReport, fullReport, HOSTILE } from './detailed.js';
import { attributeOf, marks, readPage } from './page.js';

const refusal = { target: { id: 'ane', name: 'Apple' }, scheme: 'fp8', reason: 'no FP8 there' };
const reports = [fullReport('h100'), fullReport('tpu'), fullReport('ane', 'int4-block32')];
const comparison = compareReports([...reports, refusal]);
const source = await comparisonHtml({ comparison, details: reports.map((r) => detailedReport(r)) });
const page = readPage(source);

describe('rows', () => {
  it('follow the reports, and what was refused says why', () => {
    expect(comparison.rows.map((r) => [r.target.id, r.scheme])).toEqual([
      ['h100-sxm', 'int8-perchannel'],
      ['tpu-v4', 'int8-perchannel'],
      ['a17-ane', 'int4-block32'],
      ['ane', 'fp8'],
    ]);
    expect(comparison.rows[3]).toEqual({
      target: refusal.target,
      scheme: 'fp8',
      unsupported: 'no FP8 there',
      front: false,
    });
  });

  it('give speed-up and size against the float model on the same chip', () => {
    const [row] = comparison.rows;
    const [{ float, quantized, size }] = reports;
    expect(row.speedup).toBe(float.latencyMs.value / quantized.latencyMs.value);
    expect(row.smaller).toBe(size.floatParameterBytes / size.quantizedParameterBytes);
    expect(row.loss).toEqual({ points: 1, interval: [-1.2, 3.4], sqnrDb: 21.5, evidence: 'evaluation' });
  });

  it('obey the published schema', () => {
    const validate = new Ajv2020({ allErrors: true }).addSchema(REPORT_SCHEMA).compile(COMPARISON_SCHEMA);
    const check = (value: unknown) => validate(JSON.parse(JSON.stringify(value)));
    check(comparison);
    expect(validate.errors ?? []).toEqual([]);
    expect(check({ ...comparison, rows: [{ scheme: 1 }] })).toBe(false);
  });
});

describe('the front', () => {
  const cases: [what: string, points: (number | undefined)[][], front: number[]][] = [
    ['nothing', [], []],
    ['one', [[1, 1]], [0]],
    [
      'what is beaten in both is out',
      [
        [1, 1],
        [2, 2],
      ],
      [0],
    ],
    [
      'what is better in one stays',
      [
        [1, 2],
        [2, 1],
      ],
      [0, 1],
    ],
    [
      'equals stay',
      [
        [1, 1],
        [1, 1],
      ],
      [0, 1],
    ],
    [
      'equal in one and worse in the other is out',
      [
        [1, 1],
        [1, 2],
      ],
      [0],
    ],
    [
      'what is not known is out',
      [
        [1, undefined],
        [2, 2],
      ],
      [1],
    ],
  ];
  it.each(cases)('%s', (_, points, front) => expect(paretoFront(points)).toEqual(front));
});

describe('as a table', () => {
  const { head, rows, numeric } = comparisonTable(comparison);
  it('has what the brief asks for', () => {
    expect(head).toEqual([
      'chip',
      'scheme',
      'accuracy loss',
      'latency',
      'speed-up',
      'power',
      'energy',
      'parameters',
      'smaller',
      'basis',
    ]);
    expect(rows[0].slice(0, 3)).toEqual(['NVIDIA H100 SXM5', 'int8-perchannel', '1.00 points (-1.2…3.4)']);
    expect(rows[3].at(-1)).toBe('no FP8 there');
    expect(numeric).toEqual([2, 3, 4, 5, 6, 7, 8]);
  });

  it('leaves out columns that nothing is known of', () => {
    const without = compareReports(reports.map(({ metrics: _, ...report }) => report));
    expect(comparisonTable(without).head).not.toContain('accuracy loss');
  });

  it('says less where there is little room', () => {
    const short = comparisonTable(comparison, true);
    expect(short.head).not.toContain('smaller');
    expect(short.head[2]).toBe('loss');
    expect(short.rows[0].slice(0, 3)).toEqual(['h100-sxm', 'int8-perchannel', '1.00 pts']);
    expect(short.rows[0].at(-1)).toMatch(/^±\d+(\/\d+)? %$/);
  });

  it('is the same in Markdown, escaped', () => {
    const text = comparisonMarkdown(comparison);
    expect(text).toContain('| NVIDIA H100 SXM5 | int8-perchannel | 1.00 points (-1.2…3.4) |');
    expect(text).not.toContain('<script>');
  });
});

describe('as a page', () => {
  it('is well-formed, asks nobody for anything, and repeats no id', () => {
    expect(page.errors).toEqual([]);
    expect(source).not.toMatch(/https?:|url\(|@import/);
    const ids = page.elements.flatMap((e) => attributeOf(e, 'id') ?? []);
    expect(new Set(ids).size).toBe(ids.length);
  });

  it('has a point for each combination with figures, and a section for each report', () => {
    expect(marks(page, 'combination')).toEqual([3, 3]);
    expect(page.elements.filter((e) => attributeOf(e, 'class') === 'report')).toHaveLength(3);
  });

  it('shows hostile names as text', () => {
    expect(page.elements.filter((e) => e.tagName === 'script')).toHaveLength(1);
    expect(page.text).toContain(HOSTILE.replaceAll('\u0000', '\ufffd'));
  });

  it('is the same bytes each time', async () =>
    expect(await comparisonHtml({ comparison, details: reports.map((r) => detailedReport(r)) })).toBe(
      source,
    ));
});
