import { arrayTable } from '../arrays.js';
import { fileBytes } from '../bytes.js';
import { openNpy } from '../npy.js';
import { concat, type Table } from '../table.js';
import { onlyInput } from './single.js';
import type { Reader } from './types.js';

export const npy: Reader = {
  id: 'npy',
  description: 'NumPy arrays (.npy): one sample, or samples along the first axis',
  accepts: (name) => name.endsWith('.npy'),
  async open(files, request) {
    const input = onlyInput(request, files[0].label);
    const tables: Table[] = [];
    for (const { path, label } of files)
      tables.push(arrayTable(await openNpy(await fileBytes(path), label), input, label));
    return concat(tables);
  },
};
