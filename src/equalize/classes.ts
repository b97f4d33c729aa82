import type { Slot } from './types.js';

/** Disjoint sets of channels: union and find with path halving. */
export class Classes {
  private readonly parent: number[] = [];
  private readonly pins = new Set<number>();

  get size(): number {
    return this.parent.length;
  }

  /** `count` new classes, in ascending order of their ids. */
  fresh(count: number): Int32Array {
    const first = this.parent.length;
    for (let i = 0; i < count; i++) this.parent.push(first + i);
    return Int32Array.from({ length: count }, (_, i) => first + i);
  }

  find(id: number): number {
    const { parent } = this;
    let at = id;
    while (parent[at] !== at) {
      parent[at] = parent[parent[at]];
      at = parent[at];
    }
    return at;
  }

  union(a: number, b: number): void {
    const [x, y] = [this.find(a), this.find(b)];
    if (x === y) return;
    this.parent[Math.max(x, y)] = Math.min(x, y);
    if (this.pins.has(x) || this.pins.has(y)) this.pins.add(Math.min(x, y));
  }

  /** Ties channel c of one to channel c of the other. */
  join(a: Int32Array, b: Int32Array): void {
    a.forEach((id, c) => {
      this.union(id, b[c]);
    });
  }

  pin(ids: Int32Array): void {
    for (const id of ids) this.pins.add(this.find(id));
  }

  isPinned(id: number): boolean {
    return this.pins.has(this.find(id));
  }

  /** Puts the roots in place of the ids. */
  settle(slot: Slot): void {
    slot.classes.forEach((id, c) => {
      slot.classes[c] = this.find(id);
    });
  }
}
