import { readFileSync, statSync } from 'node:fs';
import { isMap, isScalar, isSeq, LineCounter, type Node, parseDocument, type YAMLMap } from 'yaml';
import { invalidError, nearestNames, QuantizeError } from '../../errors.js';

/** A file that lists jobs is written by hand. */
const MAX_BYTES = 2 ** 20;

/** A part of the jobs file that knows where it stands, so that what is wrong with it can be shown. */
export class Part {
  constructor(
    readonly value: unknown,
    private readonly node: Node | null,
    private readonly source: Source,
  ) {}

  get line(): number {
    const start = this.node?.range?.[0] ?? 0;
    return this.source.lines.linePos(start).line;
  }

  error(message: string, hint?: string): QuantizeError {
    return invalidError('JOBS_INVALID', `line ${this.line}: ${message}`, {
      where: { file: this.source.file },
      hint,
    });
  }

  /** @throws QuantizeError JOBS_INVALID where this is no list */
  list(what: string): Part[] {
    if (!isSeq(this.node)) throw this.error(`${what} must be a list`);
    return this.node.items.map((item) => this.source.part(item as Node));
  }

  /** A list, or one thing as a list of one. */
  oneOrMore(what: string): Part[] {
    return isSeq(this.node) ? this.list(what) : [this];
  }

  /** What `read` makes of the part; a usage error of an option's parser becomes one of this line. */
  parsed<T>(read: () => T): T {
    try {
      return read();
    } catch (cause) {
      if (cause instanceof QuantizeError) throw this.error(cause.message, cause.hint);
      throw cause;
    }
  }

  text(what: string): string {
    if (typeof this.value === 'string' && this.value !== '') return this.value;
    throw this.error(`${what} must be text`);
  }

  get isMap(): boolean {
    return isMap(this.node);
  }

  /**
   * The fields of a mapping.
   * @throws QuantizeError JOBS_INVALID for a key that is not in `known`, with the nearest ones
   */
  fields(what: string, known: readonly string[]): Map<string, Part> {
    if (!isMap(this.node)) throw this.error(`${what} must be a mapping of names to values`);
    return new Map(
      (this.node as YAMLMap<Node, Node | null>).items.map(({ key, value }) => {
        const name = isScalar(key) ? String(key.value) : '';
        if (!known.includes(name)) throw this.source.part(key).unknown(what, name, known);
        return [name, this.source.part(value ?? key)];
      }),
    );
  }

  private unknown(what: string, name: string, known: readonly string[]): QuantizeError {
    const near = nearestNames(name, known, 2);
    const hint = near.length > 0 ? `did you mean ${near.join(' or ')}?` : `known: ${known.join(', ')}`;
    return this.error(`${what} has no field "${name}"`, hint);
  }
}

interface Source {
  file: string;
  lines: LineCounter;
  part(node: Node): Part;
}

/**
 * Reads a YAML or JSON file.
 * @throws QuantizeError JOBS_UNREADABLE, JOBS_SYNTAX with the line
 */
export function readJobsFile(file: string): Part {
  const lines = new LineCounter();
  const document = parseDocument(textOf(file), { lineCounter: lines });
  const [wrong] = document.errors;
  if (wrong) throw syntaxError(file, wrong.message.split('\n')[0]);
  const source: Source = { file, lines, part: (node) => new Part(plain(node), node, source) };
  /** Aliases that multiply without end are refused by the library. */
  const plain = (node: Node | null): unknown => {
    try {
      return node?.toJS(document);
    } catch (cause) {
      throw syntaxError(file, (cause as Error).message);
    }
  };
  return source.part(document.contents as Node);
}

const syntaxError = (file: string, message: string): QuantizeError =>
  invalidError('JOBS_SYNTAX', message, { where: { file }, hint: 'The file must be YAML or JSON.' });

function textOf(file: string): string {
  try {
    const { size } = statSync(file);
    if (size > MAX_BYTES) throw new Error(`${size} bytes are more than a list of jobs has`);
    return readFileSync(file, 'utf8');
  } catch (cause) {
    throw invalidError('JOBS_UNREADABLE', `cannot read the jobs file: ${(cause as Error).message}`, {
      where: { file },
      cause,
    });
  }
}
