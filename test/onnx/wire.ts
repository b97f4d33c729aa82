/** protobuf by hand, independent of the code under test. */
export type Bytes = Uint8Array;

export const join = (...parts: Bytes[]): Bytes => new Uint8Array(Buffer.concat(parts));
export const utf8 = (text: string): Bytes => new Uint8Array(Buffer.from(text));

export function varint(value: number | bigint): Bytes {
  const out: number[] = [];
  let rest = BigInt.asUintN(64, BigInt(value));
  for (; rest > 127n; rest >>= 7n) out.push(Number(rest & 127n) | 128);
  return Uint8Array.of(...out, Number(rest));
}

export const tag = (field: number, wire: number): Bytes => varint((field << 3) | wire);
/** A varint field. */
export const int = (field: number, value: number | bigint): Bytes => join(tag(field, 0), varint(value));
/** A length-delimited field: text, bytes or a nested message of the parts. */
export function len(field: number, ...parts: (Bytes | string)[]): Bytes {
  const content = join(...parts.map((p) => (typeof p === 'string' ? utf8(p) : p)));
  return join(tag(field, 2), varint(content.length), content);
}
/** A 32-bit float field. */
export const float = (field: number, value: number): Bytes =>
  join(tag(field, 5), new Uint8Array(Float32Array.of(value).buffer));
export const double = (field: number, value: number): Bytes =>
  join(tag(field, 1), new Uint8Array(Float64Array.of(value).buffer));
export const floatsLe = (...values: number[]): Bytes => new Uint8Array(Float32Array.from(values).buffer);
export const doublesLe = (...values: number[]): Bytes => new Uint8Array(Float64Array.from(values).buffer);

/** A model of one graph with these graph fields. */
export const modelOf = (...graph: Bytes[]): Bytes => join(int(1, 8), len(7, ...graph), len(8, int(2, 17)));
/** A model with this one tensor as initializer. */
export const modelOfTensor = (...tensor: Bytes[]): Bytes => modelOf(len(5, ...tensor));
/** A model with one node that has this one attribute. */
export const modelOfAttribute = (...attribute: Bytes[]): Bytes =>
  modelOf(len(1, len(4, 'Op'), len(5, ...attribute)));
