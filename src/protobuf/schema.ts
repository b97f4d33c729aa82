/**
 * Messages as tables: field number → property of a plain object and how it is stored. What a table does not list
 * survives as raw bytes. Lists are unpacked (proto2's default) unless the kind says otherwise; every reader takes both.
 */
export type Kind =
  /** UTF-8 text; `name` is text that a message always has: absent reads as "" and "" is not written. */
  | 'string'
  | 'name'
  | 'strings'
  | 'bytes'
  | 'bytesList'
  /** int64, int32 or enum as a number; beyond ±2^53 the file is refused rather than rounded. */
  | 'int'
  | 'ints'
  | 'bigint'
  | 'bigints'
  | 'float'
  | 'floats'
  /** Packed values kept as little-endian bytes: a view of the file. */
  | 'floatBytes'
  | 'doubleBytes'
  /** Packed varints as a typed array. */
  | 'int32Array'
  | 'int64Array'
  | 'uint64Array'
  | 'message'
  | 'messages';

export interface Field {
  number: number;
  /** The property of the object; messages name it in error paths. */
  property: string;
  kind: Kind;
  /** The message inside, for `message` and `messages`. */
  schema?: () => Schema;
  /** The other member of a protobuf oneof: reading this field clears that one. */
  excludes?: string;
}

export interface Schema {
  name: string;
  fields: readonly Field[];
  /** `fields` indexed by field number. */
  byNumber: readonly (Field | undefined)[];
  /** List properties that a message always has, empty when the file has none. */
  lists: readonly string[];
  /** Text properties that a message always has. */
  names: readonly string[];
}

export type Row<T> = readonly [
  number: number,
  property: keyof T & string,
  kind: Kind,
  schema?: () => Schema,
  excludes?: string,
];

const LISTS: readonly Kind[] = ['strings', 'bytesList', 'ints', 'bigints', 'floats', 'messages'];
/**
 * A table of fields, in the order in which they are written (ascending numbers, as every protobuf library writes them).
 * @param optionalLists lists that stay `undefined` when the file has none
 */
export function define<T>(
  name: string,
  rows: readonly Row<T>[],
  optionalLists: readonly string[] = [],
): Schema {
  const fields = rows.map(([number, property, kind, schema, excludes]) => ({
    number,
    property,
    kind,
    schema,
    excludes,
  }));
  const byNumber: (Field | undefined)[] = [];
  for (const field of fields) byNumber[field.number] = field;
  return {
    name,
    fields,
    byNumber,
    lists: fields
      .filter((f) => LISTS.includes(f.kind) && !optionalLists.includes(f.property))
      .map((f) => f.property),
    names: fields.filter((f) => f.kind === 'name').map((f) => f.property),
  };
}
