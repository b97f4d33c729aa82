import type { Fact } from './types.js';

type Make = (value: number, unit: string, source: string, date: string) => Fact;

const make =
  (kind: Fact['kind']): Make =>
  (value, unit, source, date) => ({ value, unit, kind, source, date });

/** Stated by the maker. */
export const vendor = make('vendor');
/** By a third party, or here. */
export const measured = make('measured');
/** Derived; the source says from what. */
export const inferred = make('inferred');
