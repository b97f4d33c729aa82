import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';

export interface Import {
  /** Path of a file of this repository ("src/errors.ts"), or the name of a package ("node:fs", "chalk"). */
  target: string;
  /** Gone after compilation, so it ties no code to any other. */
  typeOnly: boolean;
  /** `import('…')`: loaded when it is reached, not when the file is. */
  lazy: boolean;
}

const STATEMENT = /\b(?:import|export)\s+(type\s+)?([^'";]*?\bfrom\s*)?'([^'\n]+)'/g;
const DYNAMIC = /(typeof\s+)?\bimport\(\s*'([^'\n]+)'\s*\)(\.[A-Z])?/g;

/** Every import and re-export in the text of a TypeScript file; `file` is relative to `root`. */
export function importsOf(file: string, text: string, root: string): Import[] {
  const code = withoutComments(text);
  const place = (specifier: string) => placeOf(file, specifier, root);
  const statements = [...code.matchAll(STATEMENT)].map(([, type, clause, specifier]) => ({
    target: place(specifier),
    typeOnly: type !== undefined || everyNameIsType(clause ?? ''),
    lazy: false,
  }));
  const dynamic = [...code.matchAll(DYNAMIC)].map(([, type, specifier, member]) => ({
    target: place(specifier),
    typeOnly: type !== undefined || member !== undefined,
    lazy: true,
  }));
  return [...statements, ...dynamic];
}

export const withoutComments = (text: string): string =>
  text.replace(/\/\*[\s\S]*?\*\//g, '').replace(/(^|\s)\/\/.*$/gm, '$1');

/** `{ type A, type B }`: nothing of it is left after compilation. */
function everyNameIsType(clause: string): boolean {
  const [, names] = /^\{([^}]*)\}\s*from/.exec(clause.trim()) ?? [];
  const list = (names ?? '')
    .split(',')
    .map((n) => n.trim())
    .filter(Boolean);
  return list.length > 0 && list.every((name) => name.startsWith('type '));
}

function placeOf(file: string, specifier: string, root: string): string {
  if (!specifier.startsWith('.')) return packageName(specifier);
  const path = relative(root, resolve(root, dirname(file), specifier)).replaceAll('\\', '/');
  return path.replace(/\.js$/, '.ts');
}

const packageName = (specifier: string): string =>
  specifier.startsWith('node:')
    ? specifier.replace(/^(node:[^/]+).*/, '$1')
    : specifier
        .split('/')
        .slice(0, specifier.startsWith('@') ? 2 : 1)
        .join('/');

/** The TypeScript files below `folder`, relative to `root`. */
export function sources(root: string, folder: string): string[] {
  return readdirSync(join(root, folder), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && entry.name.endsWith('.ts'))
    .map((entry) => relative(root, join(entry.parentPath, entry.name)).replaceAll('\\', '/'))
    .sort();
}

export const read = (root: string, file: string): string => readFileSync(join(root, file), 'utf8');

/** What importing `entry` loads at once: files of ours and packages, itself included. */
export function loadedBy(entry: string, root: string): string[] {
  const seen = new Set([entry]);
  for (const file of seen) {
    if (!file.endsWith('.ts')) continue;
    for (const i of importsOf(file, read(root, file), root)) if (!i.typeOnly && !i.lazy) seen.add(i.target);
  }
  return [...seen].sort();
}
