import { describe, expect, it } from 'vitest';
import { rooflinePoints } from '../../src/report/html/charts/roofline.js';
import { html } from '../../src/report/html/markup.js';
import { reportHtml } from '../../src/report/index.js';
import { detailedReport, fullReport, HOSTILE } from './detailed.js';
import { attributeOf, marks, readPage } from './page.js';

const source = await reportHtml(detailedReport());
const page = readPage(source);
const shown = HOSTILE.replaceAll('\u0000', '\ufffd');

describe('the page of a report', () => {
  it('is well-formed', () => expect(page.errors).toEqual([]));

  it('asks nobody for anything', () => {
    expect(source).not.toMatch(/https?:|url\(|@import/);
    const loading = ['link', 'img', 'iframe', 'object', 'embed', 'base', 'image', 'use'];
    expect(page.elements.filter((e) => loading.includes(e.tagName)).map((e) => e.tagName)).toEqual([]);
    expect(page.elements.flatMap((e) => e.attrs).filter((a) => ['src', 'href'].includes(a.name))).toEqual([]);
    const policy = page.elements.find((e) => attributeOf(e, 'http-equiv') === 'Content-Security-Policy');
    expect(attributeOf(policy!, 'content')).toMatch(/^default-src 'none'/);
  });

  it('shows hostile names as text', () => {
    expect(page.elements.filter((e) => e.tagName === 'script')).toHaveLength(1);
    expect(page.elements.flatMap((e) => e.attrs.filter((a) => a.name.startsWith('on')))).toEqual([]);
    const title = page.elements.find((e) => e.tagName === 'title')!;
    expect(title.childNodes).toHaveLength(1);
    expect(page.text.split(shown).length - 1).toBeGreaterThanOrEqual(7);
    const labels = page.elements
      .map((e) => attributeOf(e, 'aria-label'))
      .filter((l) => l?.includes('<script>'));
    expect(labels.length).toBeGreaterThan(4);
  });

  it('has no id twice, and every search box its table', () => {
    const ids = page.elements.flatMap((e) => attributeOf(e, 'id') ?? []);
    expect(new Set(ids).size).toBe(ids.length);
    const tables = page.elements.flatMap((e) => attributeOf(e, 'data-table') ?? []);
    expect(tables).toEqual(['kernels', 'decisions']);
    expect(ids).toEqual(expect.arrayContaining(tables));
  });

  it('is the same bytes each time, also after another page', async () => {
    await reportHtml(detailedReport(fullReport('ane')));
    expect(await reportHtml(detailedReport())).toBe(source);
  });

  it('leaves out what nothing is known of', async () => {
    const bare = { ...fullReport('cpu'), roofline: undefined, layers: [], metrics: undefined };
    const { report, provenance } = detailedReport(bare);
    const small = readPage(await reportHtml({ report, provenance, distributions: [] }));
    expect(small.errors).toEqual([]);
    expect(small.elements.filter((e) => e.tagName === 'svg')).toHaveLength(2);
  });
});

describe('a chart has one mark for each datum, at both widths', () => {
  const { layers } = fullReport();
  const kernels = layers.length;
  it.each([
    ['kernel', kernels - 1, 'all that compute'],
    ['time', kernels, ''],
    ['time-before', kernels, ''],
    ['energy', kernels, ''],
    ['bytes', kernels, ''],
    ['live', kernels, ''],
    ['part', 10, 'five parts, before and after'],
    ['tensor', 2, 'all that differ'],
  ])('%s: %i %s', (name, count) => expect(marks(page, name)).toEqual([count, count]));

  it('histograms have one bar a bin and a line at each end of the grid', () => {
    expect(marks(page, 'bin')).toEqual([5, 5]);
    expect(marks(page, 'clip-line')).toEqual([0, 2]);
  });

  it('a kernel that moves no byte still has a place', () =>
    expect(rooflinePoints(layers).every((p) => Number.isFinite(p.x) && p.x > 0)).toBe(true));
});

describe('html`…`', () => {
  it.each([
    ['text', html`<p>${'<&>"\''}</p>`, '<p>&lt;&amp;&gt;&quot;&#39;</p>'],
    ['markup inside', html`<p>${html`<b>${'<'}</b>`}</p>`, '<p><b>&lt;</b></p>'],
    ['a list', html`${['a<', html`<i></i>`]}`, 'a&lt;<i></i>'],
    ['nothing', html`${undefined}${false}${0}`, '0'],
    ['control characters', html`${'a\u0000\u001bb\nc'}`, 'a\ufffd\ufffdb\nc'],
  ])('%s', (_, markup, text) => expect(markup.text).toBe(text));
});
