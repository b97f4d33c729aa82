import { rmSync } from 'node:fs';

/** Temporary files and folders that must not outlive the process, however it ends (short of a kill). */
const leftovers = new Set<string>();
let watching = false;

const removeAll = (): void => {
  for (const path of leftovers) removeQuietly(path);
};

/** Removes `path` when the process exits, unless `settled` is called before. */
export function removeOnExit(path: string): void {
  if (!watching) process.once('exit', removeAll);
  watching = true;
  leftovers.add(path);
}

export const settled = (path: string): boolean => leftovers.delete(path);

/** Removes a temporary path now. */
export function discard(path: string): void {
  removeQuietly(path);
  settled(path);
}

function removeQuietly(path: string): void {
  try {
    rmSync(path, { recursive: true, force: true });
  } catch {
    // A leftover in a folder that we may no longer write is not worth failing for.
  }
}
