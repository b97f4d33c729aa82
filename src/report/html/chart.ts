// The only file that knows the chart library: a specification becomes SVG here, without a browser.
import * as vega from 'vega';
import { html, type Markup, printable, raw } from './markup.js';
import { COLOURS } from './style.js';

type Spec = vega.Spec;

export type { Spec };

/** In the package, and not in its types. */
const { textMetrics } = vega as unknown as { textMetrics: { canvas(use: boolean): void } };

/** Widths in pixels that a chart is drawn at: the style sheet shows the one that suits the screen. */
const WIDTHS = { wide: 1040, narrow: 342 } as const;

/** Colours are the page's own variables, so that one picture suits light and dark. */
const THEME = {
  background: 'transparent',
  axis: {
    labelColor: 'var(--soft)',
    titleColor: 'var(--soft)',
    domainColor: 'var(--line)',
    tickColor: 'var(--line)',
    gridColor: 'var(--line)',
    gridOpacity: 0.7,
    labelFontSize: 11,
    titleFontSize: 11,
    titleFontWeight: 'normal',
    titlePadding: 8,
  },
  legend: { labelColor: 'var(--soft)', titleColor: 'var(--soft)', labelFontSize: 11 },
  text: { fill: 'var(--ink)', fontSize: 11 },
  title: { color: 'var(--ink)', fontSize: 12, fontWeight: 600, anchor: 'start' },
} as const;

/** So that the ids of clip paths, and thus the bytes of a page, do not depend on what was drawn before. */
export const startPage = (): void => vega.resetSVGDefIds();

/**
 * A chart at both widths. `spec` gets the width of the drawing with its axes.
 * @param label what the picture shows, for who does not see it
 */
export async function chart(label: string, spec: (width: number) => Spec): Promise<Markup> {
  const [wide, narrow] = [await svg(spec(WIDTHS.wide)), await svg(spec(WIDTHS.narrow))];
  return html`<figure class="chart" aria-label="${label}"><div class="wide">${wide}</div><div class="narrow">${narrow}</div></figure>`;
}

/** A small chart that has one size on every screen. */
export const smallChart = async (spec: Spec): Promise<Markup> => svg(spec);

/**
 * A picture that stands alone as an SVG file: in the colours of the light page, on white.
 * @param label what the picture shows, for who does not see it
 */
export async function svgFile(label: string, spec: Spec): Promise<string> {
  startPage();
  const drawn = printable(await drawing({ ...spec, background: '#ffffff' }));
  const coloured = drawn.replace(/var\(--(\w+)\)/g, (_, name) => COLOURS[name]);
  return coloured.replace('<svg ', `<svg role="img" ${html`aria-label="${label}"`.text} `);
}

async function svg(spec: Spec): Promise<Markup> {
  const text = printable(await drawing({ autosize: { type: 'fit', contains: 'padding' }, ...spec }));
  return raw(text.replace(/ xmlns(:xlink)?="[^"]*"/g, '').replaceAll('font-family="sans-serif" ', ''));
}

async function drawing(spec: Spec): Promise<string> {
  // Widths of texts are estimated: a canvas that happens to be installed must not change the picture.
  textMetrics.canvas(false);
  const view = new vega.View(vega.parse(spec, THEME as object), { renderer: 'none' });
  try {
    return rounded(await view.toSVG());
  } finally {
    view.finalize();
  }
}

/** Hundredths of a pixel are enough; no quotation mark stands unescaped in a name, so only geometry is touched. */
const rounded = (svg: string): string =>
  svg.replace(/ (?:transform|d)="[^"]*"/g, (attribute) => attribute.replace(/(\.\d\d)\d+/g, '$1'));
