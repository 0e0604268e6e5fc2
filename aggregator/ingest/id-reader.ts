/**
 * Ids as text, straight from a message's bytes. They are ASCII, so no UTF-8 decoding is needed.
 * Interning them by their bytes was tried: a lookup took longer than a new string, because with a hundred
 * thousand sessions hardly any entry is still in the processor's cache.
 */
import { isId } from '../../shared/beacon.ts';

export type IdReader = {
  /** The bytes that the next texts are of. */
  use(bytes: Uint8Array): void;
  /** The id, or empty when the bytes are not an id. A new string that does not retain the message. */
  id(from: number, to: number): string;
  /** Whether the bytes are an id. */
  isId(from: number, to: number): boolean;
  /** Any ASCII text; empty when it has other characters, too. */
  text(from: number, to: number): string;
};

/** By byte: 1 for those that an id may have. */
const ALLOWED = Uint8Array.from({ length: 256 }, (_, byte) => (isId(String.fromCharCode(byte)) ? 1 : 0));

/** What `toString('latin1', from, to)` calls; that takes half as long again. */
type Sliceable = Buffer & { latin1Slice(from: number, to: number): string };

export function createIdReader(): IdReader {
  let buffer = Buffer.alloc(0) as Sliceable;
  /** A region's clients name few servers, and mostly the one before. */
  let newestText = '';

  function isNewestText(from: number, to: number): boolean {
    if (to - from !== newestText.length) return false;
    for (let i = 0; i < newestText.length; i++) if (newestText.charCodeAt(i) !== buffer[from + i]) return false;
    return true;
  }

  function isId(from: number, to: number): boolean {
    for (let i = from; i < to; i++) if (ALLOWED[buffer[i] as number] === 0) return false;
    return true;
  }

  return {
    use(bytes) {
      buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength) as Buffer as Sliceable;
    },
    id: (from, to) => (isId(from, to) ? buffer.latin1Slice(from, to) : ''),
    isId,
    text(from, to) {
      if (isNewestText(from, to)) return newestText;
      for (let i = from; i < to; i++) if ((buffer[i] as number) > 0x7f) return '';
      newestText = buffer.latin1Slice(from, to);
      return newestText;
    },
  };
}
