import { usageError } from '../../errors.js';
import type { Front } from '../../sensitivity/types.js';
import type { Options } from '../options/index.js';
import { writeTextFile } from './streams.js';

/** @throws QuantizeError FRONT_WITHOUT_MIXED, FRONT_FORMAT (usage) */
export function checkFrontFiles({ front = [], scheme }: Options): void {
  if (front.length > 0 && scheme.split('-')[0] !== 'mixed')
    throw usageError('FRONT_WITHOUT_MIXED', '--front shows what budgets of a mixed scheme buy', {
      hint: 'add --scheme mixed --budget size=20%',
    });
  const wrong = front.find((file) => !/\.(csv|svg)$/.test(file));
  if (wrong !== undefined)
    throw usageError(
      'FRONT_FORMAT',
      `--front expects a file that ends in .csv or .svg, but received "${wrong}"`,
    );
}

/** Writes the front in the form that each ending asks for. */
export async function writeFront(front: Front | undefined, files: readonly string[] = []): Promise<void> {
  if (!front || files.length === 0) return;
  const { frontCsv, frontSvg } = await import('../../report/index.js');
  for (const file of files)
    writeTextFile(file, file.endsWith('.csv') ? frontCsv(front) : `${await frontSvg(front)}\n`);
}
