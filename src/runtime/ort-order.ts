/**
 * Puts the table of kernel types of a .ort file in order. onnxruntime writes it as a hash table hands it out, which
 * differs from run to run; readers fill a hash table with it again (onnxruntime 1.30, ort.fbs: KernelTypeStrResolver).
 * All else in the file is written in the order of the model. The table is a run of bytes of its own, between the root and
 * the model, and is laid out anew in its place.
 *
 * FlatBuffers: a table starts with the distance back to its vtable, [bytes of itself, bytes of the table, where each field
 * is]; strings, vectors and tables are pointed to by distances forward.
 */
export function orderKernelTypes(file: Uint8Array): Uint8Array {
  const tree = readResolver(new DataView(file.buffer, file.byteOffset, file.byteLength));
  if (!tree) return file;
  const ordered = new Uint8Array(file);
  return new Layout(ordered, tree).write() ? ordered : file;
}

/** Where the root table points to its kernel types, and where to others. */
const RESOLVER_FIELD = 3;
const MODEL_FIELD = 1;
const OTHER_FIELDS = [0, MODEL_FIELD, 2];

interface Argument {
  vtable: number;
  /** Of the table without its first four bytes. */
  body: Uint8Array;
}

interface Entry<T> {
  vtable: number;
  key: string;
  /** Where in the table its key and its list are pointed to. */
  fields: [key: number, list: number];
  size: number;
  list: T[];
}

interface Tree {
  /** Where the root says where the table is. */
  pointer: number;
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
    const body = new Uint8Array(this.view.buffer, this.view.byteOffset + table + 4, size - 4).slice();
    return { vtable: this.vtableOf(table), body };
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
  const tree = { pointer: root + at, vtable: r.vtableOf(table), field, size: r.sizeOf(table), operators };
  // A vtable stands before the first table that has it.
  for (const vtable of vtablesOf(tree)) if (vtable < r.from && vtable > root) r.seen(vtable, r.u16(vtable));
  if (strangers.some((s) => s >= r.from && s < r.to)) return undefined;
  // The model follows, its vtable first, which need not start at a word.
  const to = Math.min(view.byteLength, ...strangers.filter((s) => s >= r.to));
  return { ...tree, from: r.from, to };
}

const vtablesOf = ({ vtable, operators }: Pick<Tree, 'vtable' | 'operators'>): Set<number> =>
  new Set([
    vtable,
    ...operators.flatMap((o) => [
      o.vtable,
      ...o.list.flatMap((t) => [t.vtable, ...t.list.map((a) => a.vtable)]),
    ]),
  ]);

const aligned = (at: number): number => Math.ceil(at / 4) * 4;
const byKey = (a: { key: string }, b: { key: string }): number =>
  a.key < b.key ? -1 : a.key > b.key ? 1 : 0;

/** Writes parents before what they point to, lists by key, and each string and vtable once, behind all that has them. */
class Layout {
  private readonly view: DataView;
  /** Where strings are pointed to, and which vtable each table has. */
  private readonly named: [from: number, name: string][] = [];
  private readonly tables: [at: number, vtable: number][] = [];
  private readonly old: Uint8Array;
  /** First byte that is free. */
  private end: number;

  constructor(
    private readonly file: Uint8Array,
    private readonly tree: Tree,
  ) {
    this.view = new DataView(file.buffer, file.byteOffset, file.byteLength);
    this.old = file.slice(0, tree.to);
    this.end = tree.from;
  }

  /** False when it does not fit, the file being written over. */
  write(): boolean {
    const { tree } = this;
    this.file.fill(0, tree.from, tree.to);
    const at = this.table(tree.vtable, tree.size);
    this.point(tree.pointer, at);
    this.list(at + tree.field, tree.operators, (operator) =>
      this.entry(operator, (type) => this.entry(type, (argument) => this.argument(argument))),
    );
    this.ends();
    return this.end <= tree.to;
  }

  private entry<T>({ vtable, key, fields, size, list }: Entry<T>, write: (item: T) => number): number {
    const at = this.table(vtable, size);
    this.named.push([at + fields[0], key]);
    this.list(at + fields[1], list, write);
    return at;
  }

  private argument({ vtable, body }: Argument): number {
    const at = this.table(vtable, body.length + 4);
    this.file.set(body, at + 4);
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

  /** Strings, and where one ends amid a word a vtable that fills it; then the other vtables. */
  private ends(): void {
    const vtables = this.vtables();
    const halves = [...vtables.keys()].filter((bytes) => bytes.length % 4 === 2);
    const places = new Map<string, number>();
    for (const text of [...new Set(this.named.map(([, name]) => name))].sort()) {
      const bytes = Buffer.from(text, 'utf8');
      const at = this.take(4 + bytes.length + 1);
      if (this.end > this.tree.to) return;
      this.view.setUint32(at, bytes.length, true);
      this.file.set(bytes, at + 4);
      places.set(text, at);
      const half = aligned(this.end) - this.end >= 2 ? halves.pop() : undefined;
      if (half) this.vtable(half, vtables);
    }
    for (const bytes of [...vtables.keys()]) this.vtable(bytes, vtables);
    for (const [from, name] of this.named) this.point(from, places.get(name)!);
  }

  /** Those within the room, by their bytes, with the tables that have them; tables of others are done. */
  private vtables(): Map<Uint8Array, number[]> {
    const found = new Map<string, [Uint8Array, number[]]>();
    for (const [at, vtable] of this.tables) {
      if (vtable < this.tree.from || vtable >= this.tree.to) {
        this.view.setInt32(at, at - vtable, true);
        continue;
      }
      const bytes = this.old.slice(vtable, vtable + (this.old[vtable] | (this.old[vtable + 1] << 8)));
      const known = found.get(bytes.join()) ?? [bytes, []];
      known[1].push(at);
      found.set(bytes.join(), known);
    }
    return new Map([...found].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, entry]) => entry));
  }

  private vtable(bytes: Uint8Array, vtables: Map<Uint8Array, number[]>): void {
    const place = this.take(bytes.length, 2);
    if (this.end <= this.tree.to) this.file.set(bytes, place);
    for (const at of vtables.get(bytes)!) this.view.setInt32(at, at - place, true);
    vtables.delete(bytes);
  }

  private table(vtable: number, size: number): number {
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
