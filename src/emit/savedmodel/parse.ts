import { invalidError } from '../../errors.js';
import {
  type Attribute,
  type Combine,
  isHloType,
  type Operation,
  type Struct,
  type Value,
} from './program.js';

/** The function of a module: its arguments, operations and results. */
export interface Parsed {
  parameters: Value[];
  operations: Operation[];
  outputs: Value[];
}

const OPERATION = /^(?:(%[^=]*) = )?"([\w.]+)"\(([^)]*)\)(?: <\{(.*)\}>)?(?: (\(\{))?(?: : (.*))?$/;

/**
 * Reads a module in MLIR's generic form, one operation a line, regions of one operation.
 * @throws QuantizeError PACKAGE_DAMAGED (invalid)
 */
export function parseModule(text: string): Parsed {
  const lines = text.split('\n').map((line) => line.trim());
  const values = new Map<string, Value>();
  const named = (list: string) =>
    split(list).map((name) => values.get(name) ?? damaged(`${name} has no value`));
  const operations: Operation[] = [];
  let parameters: Value[] = [];
  let outputs: Value[] = [];
  for (let at = 0; at < lines.length; at++) {
    const line = lines[at];
    if (line.startsWith('func.func')) {
      parameters = signature(line).map(([name, value]) => values.set(name, value).get(name)!);
      continue;
    }
    const found = OPERATION.exec(line);
    if (!found) continue;
    const [, results, type, operands, attributes, region, types] = found;
    if (type === 'func.return') {
      outputs = named(operands);
      continue;
    }
    const body = region ? regionAt(lines, at + 1) : undefined;
    if (body) at = body.end;
    const made = resultTypes(body ? body.types : types);
    split(results ?? '').forEach((name, i) => {
      values.set(name, made[i] ?? damaged(`${name} has no type`));
    });
    operations.push({
      type,
      operands: named(operands),
      attributes: Object.fromEntries(split(attributes ?? '').map(attribute)),
      combine: body?.combine,
      results: made,
      origin: '',
    });
  }
  return { parameters, operations, outputs };
}

const damaged = (why: string): never => {
  throw invalidError('PACKAGE_DAMAGED', `the module cannot be read: ${why}`);
};

/** `(%0: tensor<…>, …) -> …` */
function signature(line: string): [string, Value][] {
  const inside = /@main\((.*)\) -> /.exec(line)?.[1] ?? damaged('it has no main');
  return split(inside).map((parameter) => {
    const [name, type] = parameter.split(': ');
    return [name, tensorType(type)];
  });
}

/** What a region computes of its scalars, the line on which it ends, and the types behind it. */
function regionAt(lines: string[], from: number): { combine: Combine; end: number; types: string } {
  const end = lines.findIndex((line, i) => i >= from && line.startsWith('})'));
  if (end < 0) return damaged('a region has no end');
  const inner = lines
    .slice(from, end)
    .map((line) => OPERATION.exec(line))
    .find((f) => f?.[1]);
  const [, , type, , attributes] = inner ?? [];
  const direction = /comparison_direction (\w+)/.exec(attributes ?? '')?.[1];
  const combine = direction ?? type?.split('.')[1] ?? 'second';
  return { combine: combine as Combine, end, types: lines[end].slice('}) : '.length) };
}

const resultTypes = (types: string): Value[] => {
  const results = types.split(' -> ')[1] ?? damaged('an operation has no type');
  return split(results.startsWith('(') ? results.slice(1, -1) : results).map(tensorType);
};

function tensorType(text: string): Value {
  const parts = (/^tensor<(.*)>$/.exec(text)?.[1] ?? damaged(`"${text}" is no type`)).split('x');
  const dtype = parts.pop()!;
  if (!isHloType(dtype)) return damaged(`there is no type ${dtype}`);
  return { dtype, dims: parts.map((d) => (d === '?' ? -1 : Number(d))) };
}

/** Parts between commas that no bracket or quote encloses. */
function split(text: string): string[] {
  const parts: string[] = [];
  let [depth, from] = [0, 0];
  for (let i = 0; i < text.length; i++) {
    const letter = text[i];
    if (letter === '"') i = text.indexOf('"', i + 1);
    else if ('([{<'.includes(letter)) depth++;
    else if (')]}'.includes(letter) || (letter === '>' && text[i - 1] !== '-')) depth--;
    else if (letter === ',' && depth === 0) {
      parts.push(text.slice(from, i));
      from = i + 1;
    }
  }
  return [...parts, text.slice(from)].map((part) => part.trim()).filter(Boolean);
}

function attribute(text: string): [string, Attribute] {
  const at = text.indexOf(' = ');
  return [text.slice(0, at), value(text.slice(at + 3))];
}

const numbers = (text: string): number[] => split(text).map(Number);

function value(text: string): Attribute {
  if (text === 'true' || text === 'false') return text === 'true';
  if (/^-?\d+ : i64$/.test(text)) return Number.parseInt(text, 10);
  if (text === 'array<i64>') return [];
  const list = /^array<i64: (.*)>$/.exec(text);
  if (list) return numbers(list[1]);
  const pairs = /^dense<\[(\[.*\])\]> : tensor<\d+x2xi64>$/.exec(text);
  if (pairs) return split(pairs[1]).map((row) => numbers(row.slice(1, -1)));
  const struct = /^#stablehlo\.(dot|gather|scatter)<(.*)>$/.exec(text);
  if (!struct) return text;
  const fields = split(struct[2]).map((field): [string, number | number[]] => {
    const [name, content] = field.split(' = ');
    return [name, content.startsWith('[') ? numbers(content.slice(1, -1)) : Number(content)];
  });
  return { kind: struct[1] as Struct['kind'], fields: Object.fromEntries(fields) };
}

/** Elements of a constant as little-endian bytes of its type, from `dense<…> : tensor<…>`. */
export function denseBytes(text: string, { dtype }: Value, size: number): Uint8Array {
  const inside = /^dense<(.*)> : /.exec(text)?.[1] ?? damaged('a constant has no elements');
  if (inside.startsWith('"0x')) return new Uint8Array(Buffer.from(inside.slice(3, -1), 'hex'));
  const bytes = Buffer.alloc(inside === '' ? 0 : size);
  if (inside === '') return new Uint8Array(bytes);
  if (inside === 'true' || inside === 'false') return Uint8Array.of(Number(inside === 'true'));
  if (inside.startsWith('0x')) return new Uint8Array(Buffer.from(inside.slice(2), 'hex').reverse());
  if (dtype === 'f32') bytes.writeFloatLE(Number(inside));
  else
    bytes.writeIntLE(
      dtype === 'ui8' && Number(inside) > 127 ? Number(inside) - 256 : Number(inside),
      0,
      size,
    );
  return new Uint8Array(bytes);
}
