import { readFileSync } from 'node:fs';

/** Whether an x86 processor multiplies bytes with 32-bit sums, by its flags as Linux lists them; undefined elsewhere. */
export function hasVnni(file = '/proc/cpuinfo', arch: string = process.arch): boolean | undefined {
  if (arch !== 'x64') return undefined;
  try {
    const flags = /^flags\s*:(.*)$/m.exec(readFileSync(file, 'utf8'))?.[1];
    return flags === undefined ? undefined : /\bavx(512)?_vnni\b/.test(flags);
  } catch {
    return undefined;
  }
}
