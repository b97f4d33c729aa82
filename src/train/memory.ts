import type { Graph } from '../ir/model.js';

/**
 * Bytes of values that are alive at one time at most, when nodes run in order and a value goes after its last reader.
 * Inputs, constants and outputs of the graph are not counted.
 * @param bytesOf size of a value; 0 where it is unknown
 */
export function liveBytes(
  { nodes, inputs, outputs, initializers }: Graph,
  bytesOf: (name: string) => number,
): number {
  const standing = new Set([...inputs, ...outputs, ...initializers].map(({ name }) => name ?? ''));
  const last = new Map<string, number>();
  nodes.forEach((node, at) => {
    for (const name of [...node.outputs, ...node.inputs]) last.set(name, at);
  });
  let [live, most] = [0, 0];
  nodes.forEach((node, at) => {
    const made = node.outputs.filter((name) => !standing.has(name));
    for (const name of made) live += bytesOf(name);
    most = Math.max(most, live);
    const done = [...new Set([...node.inputs, ...made])].filter(
      (name) => last.get(name) === at && !standing.has(name),
    );
    for (const name of done) live -= bytesOf(name);
  });
  return most;
}
