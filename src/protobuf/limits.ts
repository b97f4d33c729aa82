/**
 * Bounds on what a file may ask for. A model is untrusted input: these keep a small hostile file from costing an
 * unbounded amount of stack or memory.
 */

/** protobuf's own readers refuse deeper nesting, so no working model has it. */
export const MAX_NESTING = 100;

/** protobuf addresses one message with 31 bits; larger models keep their tensors in external data. */
export const MAX_MESSAGE_BYTES = 2 ** 31 - 1;

/**
 * Memory one decode may take for objects, in units of roughly 25 bytes: a list element costs 1, a message
 * MESSAGE_COST. 2^26 units allow 4 million messages; a graph of 100,000 nodes with all its shapes has about 1.2 million.
 */
export const MAX_UNITS = 2 ** 26;
export const MESSAGE_COST = 16;
