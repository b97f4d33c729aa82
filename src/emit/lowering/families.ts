/**
 * One table of what families map, by ONNX's name.
 * @throws RangeError where two families map the same operator
 */
export function tableOf<T>(
  families: Readonly<Record<string, Readonly<Record<string, T>>>>,
  format: string,
): Map<string, T> {
  const table = new Map<string, T>();
  for (const [op, lower] of Object.values(families).flatMap(Object.entries<T>)) {
    if (table.has(op)) throw new RangeError(`two ${format} lowerings of ${op}`);
    table.set(op, lower);
  }
  return table;
}
