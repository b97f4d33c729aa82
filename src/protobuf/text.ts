/**
 * UTF-8 ↔ string without loss. Names and comments in real files are not always UTF-8; replacing a bad byte by U+FFFD
 * could make two names equal. So a byte 0x80–0xFF that is not part of valid UTF-8 reads as the lone surrogate
 * U+DC80–U+DCFF (Python calls this surrogateescape) and is written back as that byte.
 */
const strict = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
const LONE_SURROGATE = /\p{Surrogate}/u;

export function readText(bytes: Buffer, start: number, end: number): string {
  const text = bytes.toString('utf8', start, end);
  // U+FFFD is what a bad byte became, unless the file really says U+FFFD.
  if (!text.includes('\ufffd')) return text;
  const exact = bytes.subarray(start, end);
  return decodeStrict(exact) ?? escapeBadBytes(exact);
}

function decodeStrict(bytes: Uint8Array): string | undefined {
  try {
    return strict.decode(bytes);
  } catch {
    return undefined;
  }
}

function escapeBadBytes(bytes: Uint8Array): string {
  const parts: string[] = [];
  for (let at = 0; at < bytes.length; ) {
    const size = CHARACTER_SIZE[bytes[at] >> 4];
    const character = decodeStrict(bytes.subarray(at, at + size));
    parts.push(character ?? String.fromCharCode(0xdc00 + bytes[at]));
    at += character === undefined ? 1 : size;
  }
  return parts.join('');
}

/** Bytes of a character by the high nibble of its first byte; 1 for a byte that cannot start one. */
const CHARACTER_SIZE = [1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 2, 2, 3, 4];

export const textLength = (text: string): number =>
  LONE_SURROGATE.test(text) ? writeText(text).length : Buffer.byteLength(text);

export function writeText(text: string): Uint8Array {
  if (!LONE_SURROGATE.test(text)) return Buffer.from(text);
  return Buffer.concat(Array.from(text, (c) => (LONE_SURROGATE.test(c) ? escapedByte(c) : Buffer.from(c))));
}

/** Only U+DC80–U+DCFF stand for bytes; any other lone surrogate has no UTF-8 form and becomes U+FFFD. */
function escapedByte(c: string): Buffer {
  const code = c.charCodeAt(0);
  return code >= 0xdc80 && code <= 0xdcff ? Buffer.of(code - 0xdc00) : Buffer.from('\ufffd');
}
