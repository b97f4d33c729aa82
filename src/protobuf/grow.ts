/** What the typed arrays have in common, as far as growing needs it. */
export interface NumberArray {
  readonly length: number;
  set(from: NumberArray, at: number): void;
  subarray(start: number, end: number): NumberArray;
}

/** TypeScript sees no common type in the typed arrays' own declarations. */
export const numberArray = (typed: unknown): NumberArray => typed as NumberArray;

/** A typed array that grows by doubling: what a repeated field needs when it arrives in pieces. */
export class Growing {
  private array: NumberArray;
  private length: number;
  private readonly make: (length: number) => NumberArray;

  /** `first` is kept without a copy while nothing is appended. */
  constructor(first: NumberArray, make: (length: number) => NumberArray) {
    this.array = first;
    this.length = first.length;
    this.make = make;
  }

  append(more: NumberArray): void {
    const needed = this.length + more.length;
    if (needed > this.array.length) {
      const grown = this.make(Math.max(needed, this.array.length * 2));
      grown.set(this.array.subarray(0, this.length), 0);
      this.array = grown;
    }
    this.array.set(more, this.length);
    this.length = needed;
  }

  finish(): NumberArray {
    return this.array.length === this.length ? this.array : this.array.subarray(0, this.length);
  }
}
