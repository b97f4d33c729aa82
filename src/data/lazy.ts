import type { ByteRange } from './bytes.js';

/** Unpacked entries kept at a time: those being read ahead plus the last one. */
const MAX_OPEN = 8;

interface Open {
  range: Promise<ByteRange>;
  readers: number;
}

/**
 * Bytes that must be unpacked before they can be read. They are unpacked at the first read and dropped again when
 * newer ones need the room, so that a folder of archives costs the memory of a few.
 */
export class LazyRanges {
  private readonly open = new Map<object, Open>();

  add(size: number, unpack: () => Promise<ByteRange>): ByteRange {
    const key = {};
    return {
      size,
      read: async (offset, length) => {
        const entry = this.touch(key, unpack);
        entry.readers++;
        try {
          return await (await entry.range).read(offset, length);
        } finally {
          entry.readers--;
          await this.trim(MAX_OPEN);
        }
      },
      close: () => this.trim(0),
    };
  }

  private touch(key: object, unpack: () => Promise<ByteRange>): Open {
    const entry = this.open.get(key) ?? { range: unpack(), readers: 0 };
    this.open.delete(key);
    this.open.set(key, entry);
    return entry;
  }

  private async trim(limit: number): Promise<void> {
    for (const [key, entry] of this.open) {
      if (this.open.size <= limit) return;
      if (entry.readers > 0) continue;
      this.open.delete(key);
      await entry.range.then(
        (range) => range.close(),
        () => undefined,
      );
    }
  }
}
