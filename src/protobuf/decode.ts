import { invalidError, QuantizeError } from '../errors.js';
import { Growing, numberArray } from './grow.js';
import { KINDS, LENGTH } from './kinds.js';
import { MAX_NESTING, MESSAGE_COST } from './limits.js';
import { PACKED, type PackedReader } from './packed.js';
import type { Field, Kind, Schema } from './schema.js';
import { Refusal, Wire } from './wire.js';

type Fields = Record<string, unknown>;

/** The packed lists of one message, by property, while their pieces come in. */
type Pieces = Record<string, Growing | undefined>;

/**
 * Reads one message of `schema` from `bytes`. Text and numbers are copied out; byte fields are views of `bytes`.
 * @throws QuantizeError MODEL_TRUNCATED, MODEL_MALFORMED, MODEL_TOO_COMPLEX (invalid), with the byte offset and the
 * path of the message inside the file
 */
export function decode<T>(schema: Schema, bytes: Uint8Array, file?: string): T {
  const decoder = new Decoder(bytes);
  try {
    return decoder.message(schema, bytes.length) as T;
  } catch (cause) {
    throw decoder.explain(cause, file);
  }
}

/** How one value of each kind is read; messages and packed lists go their own ways. */
const READ: Partial<Record<Kind, (wire: Wire) => unknown>> = {
  string: (wire) => wire.string(),
  name: (wire) => wire.string(),
  strings: (wire) => wire.string(),
  bytes: (wire) => wire.view(),
  bytesList: (wire) => wire.view(),
  int: (wire) => wire.int(),
  ints: (wire) => wire.int(),
  bigint: (wire) => wire.bigint(),
  bigints: (wire) => wire.bigint(),
  float: (wire) => wire.reader.float(),
  floats: (wire) => wire.reader.float(),
};

class Decoder {
  private readonly wire: Wire;
  /** Where we are, for error messages: the fields of the open messages, and the index of each in its list. */
  private readonly path: Field[] = [];
  private readonly indices: (number | undefined)[] = [];

  constructor(bytes: Uint8Array) {
    this.wire = new Wire(bytes);
  }

  /** Reads fields up to `end` into `out`, so that a repeated singular message merges, as protobuf says. */
  message(schema: Schema, end: number, out: Fields = blank(schema)): Fields {
    const { wire } = this;
    const { reader } = wire;
    wire.spend(MESSAGE_COST);
    const outerEnd = reader.len;
    reader.len = end;
    const growing: Pieces = {};
    while (reader.pos < end) {
      const start = reader.pos;
      const tag = reader.tag();
      const field = schema.byNumber[tag >>> 3];
      if (!field || !this.field(field, tag & 7, out, growing)) this.keep(out, wire.skip(tag, start));
    }
    for (const property in growing) out[property] = growing[property]!.finish();
    reader.len = outerEnd;
    return out;
  }

  /** Reads one occurrence of a known field; false when it comes in a wire type that is not its own. */
  private field(field: Field, wireType: number, out: Fields, growing: Pieces): boolean {
    const { wire, packed, list } = KINDS[field.kind];
    const whole = wireType === LENGTH && wire !== LENGTH && Boolean(list || packed);
    if (wireType !== wire && !whole) return false;
    if (field.excludes) delete out[field.excludes];
    if (packed) this.packed(field, whole, out, growing);
    else if (list) this.append(field, whole, out);
    else out[field.property] = this.value(field, out[field.property]);
    return true;
  }

  private append(field: Field, whole: boolean, out: Fields): void {
    out[field.property] ??= [];
    const list = out[field.property] as unknown[];
    if (whole) this.eachPacked(field, list);
    else this.push(field, list);
  }

  private push(field: Field, list: unknown[]): void {
    this.wire.spend(1);
    list.push(this.value(field, undefined, list.length));
  }

  private eachPacked(field: Field, list: unknown[]): void {
    const { reader } = this.wire;
    const end = this.wire.end();
    const outerEnd = reader.len;
    reader.len = end;
    while (reader.pos < end) this.push(field, list);
    reader.len = outerEnd;
  }

  private packed(field: Field, whole: boolean, out: Fields, growing: Pieces): void {
    const { wire } = this;
    const { reader } = wire;
    const type = PACKED[KINDS[field.kind].packed!];
    const end = whole ? wire.end() : reader.len;
    const outerEnd = reader.len;
    reader.len = end;
    const piece = whole ? type.all(wire, end) : type.one(wire);
    if (whole && reader.pos !== end) throw new RangeError('a list ends inside a value');
    reader.len = outerEnd;
    // A list that an earlier piece of the same message began goes on.
    const begun = growing[field.property] ?? startFrom(out[field.property], type);
    begun?.append(piece);
    growing[field.property] = begun ?? new Growing(piece, type.make);
  }

  private value(field: Field, before?: unknown, index?: number): unknown {
    const read = READ[field.kind];
    if (read) return read(this.wire);
    this.path.push(field);
    this.indices.push(index);
    if (this.path.length > MAX_NESTING)
      throw new Refusal('MODEL_TOO_COMPLEX', `messages are nested deeper than ${MAX_NESTING}`);
    const schema = field.schema!();
    const message = this.message(schema, this.wire.end(), before as Fields | undefined);
    this.path.pop();
    this.indices.pop();
    return message;
  }

  private keep(out: Fields, bytes: Uint8Array): void {
    this.wire.spend(4);
    out.unknown ??= [];
    (out.unknown as Uint8Array[]).push(bytes);
  }

  /** Any failure as an error of the input. protobufjs and the engine throw RangeError and plain Error. */
  explain(cause: unknown, file?: string): QuantizeError {
    if (cause instanceof QuantizeError) return cause;
    const { reader, bytes } = this.wire;
    const reason = cause instanceof Error ? cause.message : String(cause);
    const atEnd = cause instanceof RangeError && reader.len >= bytes.length;
    const code = cause instanceof Refusal ? cause.code : atEnd ? 'MODEL_TRUNCATED' : 'MODEL_MALFORMED';
    const steps = this.path.map((field, i) => field.property + indexText(this.indices[i]));
    const place = steps.length ? ` in ${steps.join('.')}` : '';
    const verdict = code === 'MODEL_TRUNCATED' ? 'the model is cut short' : 'the model is damaged';
    return invalidError(code, `${verdict} at byte ${reader.pos}${place}: ${reason}`, {
      where: { file, byte: reader.pos },
      hint: 'Download or export it again, and compare its size with the source.',
      cause,
    });
  }
}

const startFrom = (before: unknown, type: PackedReader): Growing | undefined =>
  before === undefined ? undefined : new Growing(numberArray(before), type.make);

const indexText = (index?: number): string => (index === undefined ? '' : `[${index}]`);

/** A message with the properties that the IR always has. */
function blank(schema: Schema): Fields {
  const out: Fields = {};
  for (const name of schema.names) out[name] = '';
  for (const name of schema.lists) out[name] = [];
  return out;
}
