import type { ValueMeta } from '../../runtime/types.js';
import type { Table } from '../table.js';
import type { SampleOptions } from '../types.js';

/** A file that holds samples. */
export interface SampleFile {
  path: string;
  /** How messages and the hash name it: its path inside the folder that was given. */
  label: string;
}

export interface ReadRequest {
  /** The inputs to fill: one when the path was bound to it or the model has only one, else all. */
  inputs: ValueMeta[];
  options: Pick<SampleOptions, 'dtype' | 'shape'>;
}

/** A row of the registry of sample formats. */
export interface Reader {
  id: string;
  description: string;
  /** Whether this reader takes a file of this name (lower case, with its extension). */
  accepts(name: string): boolean;
  /** Opens all files of one folder, or one file: headers only, no values. */
  open(files: SampleFile[], request: ReadRequest): Promise<Table>;
}
