import { type DefaultTreeAdapterTypes, html, type ParserError, parse } from 'parse5';

type Node = DefaultTreeAdapterTypes.Node;
export type Element = DefaultTreeAdapterTypes.Element;

export interface Page {
  errors: string[];
  elements: Element[];
  text: string;
}

/** A page as a browser's parser sees it, by a reader that we did not write. */
export function readPage(source: string): Page {
  const errors: string[] = [];
  const onParseError = (e: ParserError) => errors.push(`${e.code} at ${e.startLine}:${e.startCol}`);
  const document = parse(source, { onParseError, sourceCodeLocationInfo: true });
  if (document.mode !== html.DOCUMENT_MODE.NO_QUIRKS) errors.push(`mode ${document.mode}`);
  const elements: Element[] = [];
  let text = '';
  const walk = (node: Node) => {
    if ('tagName' in node) elements.push(node);
    if (node.nodeName === '#text') text += (node as DefaultTreeAdapterTypes.TextNode).value;
    if ('childNodes' in node) for (const child of node.childNodes) walk(child);
  };
  walk(document);
  return { errors, elements, text };
}

export const attributeOf = (element: Element, name: string): string | undefined =>
  element.attrs.find((a) => a.name === name)?.value;

/** How many marks each drawing of the chart mark `name` has: one number a width. */
export const marks = ({ elements }: Page, name: string): number[] =>
  elements
    .filter(
      (e) =>
        attributeOf(e, 'class')?.split(' ').includes(name) && attributeOf(e, 'class')?.includes('role-mark'),
    )
    .map((group) => group.childNodes.length);
