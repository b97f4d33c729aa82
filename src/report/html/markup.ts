/** Text that is HTML already. Everything else that meets the `html` tag is escaped: names come from the user's model. */
export class Markup {
  constructor(readonly text: string) {}
}

type Part = Markup | string | number | undefined | false | readonly Part[];

/** html`<td>${name}</td>`: escapes strings, keeps Markup, joins lists, drops undefined and false. */
export const html = (strings: TemplateStringsArray, ...parts: Part[]): Markup =>
  new Markup(strings.reduce((text, piece, i) => text + render(parts[i - 1]) + piece));

/** Markup from elsewhere that escapes by itself: the charts, our own style sheet. */
export const raw = (text: string): Markup => new Markup(text);

function render(part: Part): string {
  if (part === undefined || part === false) return '';
  if (part instanceof Markup) return part.text;
  return Array.isArray(part) ? part.map(render).join('') : escaped(String(part));
}

const ENTITIES: Record<string, string> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

/** Without control characters, which HTML has no place for. */
export const printable = (text: string): string =>
  // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what is taken out
  text.replace(/[\x00-\x08\x0b-\x1f\x7f]/g, '\ufffd');

const escaped = (text: string): string => printable(text).replace(/[&<>"']/g, (c) => ENTITIES[c]);
