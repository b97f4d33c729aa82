/** A number in [0, 1) from three integers, by mixing their bits (murmur3's finaliser); independent of any order. */
export function uniform(seed: number, a: number, b: number): number {
  let h =
    Math.imul(seed ^ 0x9e3779b9, 0x85ebca6b) ^
    Math.imul(a + 0x7f4a7c15, 0xc2b2ae35) ^
    Math.imul(b + 1, 0x27d4eb2f);
  for (const factor of [0x85ebca6b, 0xc2b2ae35]) h = Math.imul(h ^ (h >>> 15), factor);
  return ((h ^ (h >>> 16)) >>> 0) / 2 ** 32;
}

/** The items in an order that `seed` and `round` decide (Fisher and Yates). */
export function shuffled<T>(items: readonly T[], seed: number, round: number): T[] {
  const result = [...items];
  for (let i = result.length - 1; i > 0; i--) {
    const j = Math.floor(uniform(seed, round, i) * (i + 1));
    [result[i], result[j]] = [result[j], result[i]];
  }
  return result;
}
