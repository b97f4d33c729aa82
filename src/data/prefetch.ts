/**
 * Runs `make` for each item with at most `ahead` results waiting, in order: decoding the next samples overlaps
 * inference on this one, and memory stays that of `ahead` samples. When the reader stops early nothing new starts.
 */
export async function* prefetch<T, R>(
  items: Iterable<T>,
  ahead: number,
  make: (item: T) => Promise<R>,
): AsyncGenerator<R> {
  const waiting: Promise<R>[] = [];
  for (const item of items) {
    const result = make(item);
    // A failure is reported when its turn comes, not as an unhandled rejection before.
    result.catch(() => {});
    waiting.push(result);
    if (waiting.length > ahead) yield await waiting.shift()!;
  }
  while (waiting.length > 0) yield await waiting.shift()!;
}
