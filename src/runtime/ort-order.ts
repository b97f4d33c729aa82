/**
 * Puts the table of kernel types of a .ort file in order. onnxruntime writes it as a hash table hands it out, which
 * differs from run to run; readers fill a hash table with it again (onnxruntime 1.30, ort.fbs: KernelTypeStrResolver).
 * All else in the file is written in the order of the model. The table is a run of bytes of its own, between the root and
 * the model, and is laid out anew in its place; the model moves by whole words where the room was another.
 *
 * FlatBuffers: a table starts with the distance back to its vtable, [bytes of itself, bytes of the table, where each field
 * is]; strings, vectors and tables are pointed to by distances forward.
 */
export function orderKernelTypes(file: Uint8Array): Uint8Array {
  const tree = readResolver(new DataView(file.buffer, file.byteOffset, file.byteLength));
  if (!tree) return file;
  return new Layout(file, tree).write();
}

/** Where the root table points to its kernel types, and where to others. */
const RESOLVER_FIELD = 3;
const MODEL_FIELD = 1;
const OTHER_FIELDS = [0, MODEL_FIELD, 2];

/** An input (0) or output (1), and which. */
interface Argument {
  type: number;
  index: number;
}

/** Tables of arguments: vtable, and size of the table; fields that are zero are left out. */
const argumentVtable = ({ type, index }: Argument): number[] =>
  index === 0 ? (type === 0 ? [4, 4] : [6, 8, 7]) : type === 0 ? [8, 8, 0, 4] : [8, 12, 11, 4];

/** What all places in a file are aligned to. */
const WORD = 8;

interface Entry<T> {
  vtable: number;
  key: string;
  /** Where in the table its key and its list are pointed to. */
  fields: [key: number, list: number];
  size: number;
  list: T[];
}

interface Tree {
  /** Where the root says where the table is, and where others are that lie behind it. */
  pointer: number;
  others: number[];
  vtable: number;
  field: number;
  size: number;
  operators: Entry<Entry<Argument>>[];
  /** First byte, and the one behind the last. */
  from: number;
  to: number;
}

class Reader {
  from = Number.POSITIVE_INFINITY;
  to = 0;

  constructor(readonly view: DataView) {}

  u16 = (at: number): number => this.view.getUint16(at, true);
  u32 = (at: number): number => this.view.getUint32(at, true);
  follow = (at: number): number => at + this.u32(at);
  vtableOf = (table: number): number => table - this.view.getInt32(table, true);
  sizeOf = (table: number): number => this.u16(this.vtableOf(table) + 2);

  /** Where a field is within its table; 0 when it is not written. */
  field(table: number, index: number): number {
    const vtable = this.vtableOf(table);
    return 4 + 2 * index < this.u16(vtable) ? this.u16(vtable + 4 + 2 * index) : 0;
  }

  seen(at: number, bytes: number): void {
    this.from = Math.min(this.from, at);
    this.to = Math.max(this.to, at + bytes);
  }

  string(at: number): string {
    const length = this.u32(at);
    this.seen(at, 4 + length + 1);
    return Buffer.from(this.view.buffer, this.view.byteOffset + at + 4, length).toString('utf8');
  }

  list<T>(at: number, read: (table: number) => T): T[] {
    const length = this.u32(at);
    this.seen(at, 4 + 4 * length);
    return Array.from({ length }, (_, i) => read(this.follow(at + 4 + 4 * i)));
  }

  entry = <T>(table: number, read: (table: number) => T): Entry<T> => {
    const size = this.sizeOf(table);
    this.seen(table, size);
    const fields: [number, number] = [this.field(table, 0), this.field(table, 1)];
    const [key, list] = fields.map((field) => this.follow(table + field));
    return { vtable: this.vtableOf(table), key: this.string(key), fields, size, list: this.list(list, read) };
  };

  argument = (table: number): Argument => {
    const size = this.sizeOf(table);
    this.seen(table, size);
    const [type, index] = [this.field(table, 0), this.field(table, 1)];
    return { type: type && this.view.getUint8(table + type), index: index && this.u32(table + index) };
  };
}

/** The table, its vtables counted in; undefined where something else lies among it, or it is not there. */
function readResolver(view: DataView): Tree | undefined {
  const r = new Reader(view);
  const root = r.follow(0);
  const at = r.field(root, RESOLVER_FIELD);
  if (at === 0 || r.field(root, MODEL_FIELD) === 0) return undefined;
  const table = r.follow(root + at);
  const field = r.field(table, 0);
  if (field === 0) return undefined;
  r.seen(table, r.sizeOf(table));
  const operators = r.list(r.follow(table + field), (t) => r.entry(t, (u) => r.entry(u, r.argument)));
  const others = OTHER_FIELDS.map((i) => r.field(root, i)).filter((f) => f > 0);
  const tables = [root, r.follow(root + r.field(root, MODEL_FIELD))];
  const strangers = [...tables.map(r.vtableOf), ...tables, ...others.map((f) => r.follow(root + f))];
  const pointers = others.map((f) => root + f).filter((p) => r.follow(p) > r.from);
  const tree = {
    ...{ pointer: root + at, others: pointers },
    ...{ vtable: r.vtableOf(table), field, size: r.sizeOf(table), operators },
  };
  for (const vtable of vtablesOf(tree)) if (vtable < r.from && vtable > root) r.seen(vtable, r.u16(vtable));
  if (strangers.some((s) => s >= r.from && s < r.to)) return undefined;
  // The model follows, its vtable first, which need not start at a word.
  const to = Math.min(view.byteLength, ...strangers.filter((s) => s >= r.to));
  return { ...tree, from: r.from, to };
}

const vtablesOf = ({ vtable, operators }: Pick<Tree, 'vtable' | 'operators'>): Set<number> =>
  new Set([vtable, ...operators.flatMap((o) => [o.vtable, ...o.list.map((t) => t.vtable)])]);

const byKey = (a: { key: string }, b: { key: string }): number =>
  a.key < b.key ? -1 : a.key > b.key ? 1 : 0;

/** Writes parents before what they point to, lists by key, and each string and vtable once, behind all that has them. */
class Layout {
  private readonly made: Uint8Array;
  private readonly view: DataView;
  /** Where strings are pointed to, and which vtable each table has: its bytes, or where it lies behind. */
  private readonly named: [from: number, name: string][] = [];
  private readonly tables: [at: number, vtable: number | number[]][] = [];
  /** First byte that is free. */
  private end: number;

  constructor(
    private readonly file: Uint8Array,
    private readonly tree: Tree,
  ) {
    // No list is longer than it was; arguments may have vtables of their own.
    this.made = new Uint8Array(2 * tree.to + 64);
    this.made.set(file.subarray(0, tree.from));
    this.view = new DataView(this.made.buffer);
    this.end = tree.from;
  }

  write(): Uint8Array {
    const { tree, file } = this;
    const at = this.table(this.known(tree.vtable), tree.size);
    this.point(tree.pointer, at);
    this.list(at + tree.field, tree.operators, (operator) =>
      this.entry(operator, (type) => this.entry(type, (argument) => this.argument(argument))),
    );
    const far = this.ends();
    const moved = Math.ceil((this.end - tree.to) / WORD) * WORD;
    for (const [table, vtable] of far) this.view.setInt32(table, table - (vtable + moved), true);
    for (const p of tree.others) this.view.setUint32(p, this.view.getUint32(p, true) + moved, true);
    const ordered = new Uint8Array(file.length + moved);
    ordered.set(this.made.subarray(0, this.end));
    ordered.set(file.subarray(tree.to), tree.to + moved);
    return ordered;
  }

  private entry<T>({ vtable, key, fields, size, list }: Entry<T>, write: (item: T) => number): number {
    const at = this.table(this.known(vtable), size);
    this.named.push([at + fields[0], key]);
    this.list(at + fields[1], list, write);
    return at;
  }

  private argument(argument: Argument): number {
    const vtable = argumentVtable(argument);
    const at = this.table(vtable, vtable[1]);
    if (argument.index > 0) this.view.setUint32(at + 4, argument.index, true);
    if (argument.type > 0) this.view.setUint8(at + vtable[2], argument.type);
    return at;
  }

  private list<T>(pointer: number, items: readonly T[], write: (item: T) => number): void {
    const at = this.take(4 + 4 * items.length);
    this.point(pointer, at);
    this.view.setUint32(at, items.length, true);
    const named = items.every((item) => typeof (item as { key?: string }).key === 'string');
    const ordered = named ? [...items].sort(byKey as never) : items;
    ordered.forEach((item, i) => {
      this.point(at + 4 + 4 * i, write(item));
    });
  }

  /** Strings, then vtables. Returns the tables whose vtable lies behind. */
  private ends(): [at: number, vtable: number][] {
    const strings = new Map<string, number>();
    for (const text of [...new Set(this.named.map(([, name]) => name))].sort()) {
      const bytes = Buffer.from(text, 'utf8');
      const at = this.take(4 + bytes.length + 1);
      this.view.setUint32(at, bytes.length, true);
      this.made.set(bytes, at + 4);
      strings.set(text, at);
    }
    for (const [from, name] of this.named) this.point(from, strings.get(name)!);
    const places = new Map<string, number>();
    const far: [number, number][] = [];
    for (const [at, vtable] of this.tables) {
      if (typeof vtable === 'number') {
        far.push([at, vtable]);
        continue;
      }
      const place = places.get(vtable.join()) ?? this.take(2 * vtable.length, 2);
      places.set(vtable.join(), place);
      for (const [i, word] of vtable.entries()) this.view.setUint16(place + 2 * i, word, true);
      this.view.setInt32(at, at - place, true);
    }
    return far;
  }

  /** A vtable among what is laid out anew comes with it; one behind stays. */
  private known(at: number): number | number[] {
    if (at >= this.tree.to) return at;
    const view = new DataView(this.file.buffer, this.file.byteOffset + at);
    return Array.from({ length: view.getUint16(0, true) / 2 }, (_, i) => view.getUint16(2 * i, true));
  }

  private table(vtable: number | number[], size: number): number {
    const at = this.take(size);
    this.tables.push([at, vtable]);
    return at;
  }

  private point(from: number, to: number): void {
    this.view.setUint32(from, to - from, true);
  }

  private take(bytes: number, align: 2 | 4 = 4): number {
    const at = Math.ceil(this.end / align) * align;
    this.end = at + bytes;
    return at;
  }
}
