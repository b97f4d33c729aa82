import type { Node } from './model.js';

const SUFFIX = '_kept';

/** A name for a node that stays as it is although it could become a part of its neighbour: values between are rounded. */
export const keptName = (name: string): string => `${name}${SUFFIX}`;
export const isKept = ({ name }: Node): boolean => name?.endsWith(SUFFIX) === true;
