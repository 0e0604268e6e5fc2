/** Texts of a packet: ids, which are hashed where they are none of ours, and the origin of a server's URL. */
import { LIMITS } from '../../../shared/beacon.ts';
import type { WireReader } from '../wire-reader.ts';
import type { IdHash } from './id-hash.ts';

/** Each reads a length-prefixed text and ends after it. */
export type TextReader = {
  /** An id as it is, or its hash when it has other characters or more than ours may. @returns '' when it is empty, too long or damaged */
  id(end: number): string;
  /** The hash of an id, whatever it is. @returns '' when it is empty; undefined when it is too long or damaged */
  hashed(end: number): string | undefined;
  /** `wss://user@host:1/lobby?token=x` -> `wss://host:1`, '' without an origin. @returns undefined when it is too long or damaged */
  origin(end: number): string | undefined;
};

/** An e-mail address has 254 at the most. */
const ID_BYTES_MAX = 512;

const [COLON, SLASH, QUESTION, HASH, AT] = [...':/?#@'].map((character) => character.charCodeAt(0));

export function createTextReader(wire: WireReader, hash: IdHash): TextReader {
  const { values } = wire;

  /** Passes over a length. @returns where the text ends; 0 when it is too long or passes `end` */
  function endOfText(end: number, most: number): number {
    const from = values.pos;
    const textEnd = wire.endOfMessage(end);
    return textEnd - from <= most ? textEnd : 0;
  }

  function hashOf(from: number, to: number): string {
    values.pos = to;
    return hash(values.buf.subarray(from, to));
  }

  /** Where `://` begins; -1 where there is none. */
  function schemeEnd(from: number, to: number): number {
    const { buf } = values;
    for (let i = from; i + 2 < to; i++) {
      if (buf[i] === COLON && buf[i + 1] === SLASH && buf[i + 2] === SLASH) return i;
    }
    return -1;
  }

  /** Where the host and its port begin and end. */
  function authority(from: number, to: number): { readonly from: number; readonly to: number } {
    const { buf } = values;
    let begin = from;
    let end = from;
    for (; end < to; end++) {
      const byte = buf[end];
      if (byte === SLASH || byte === QUESTION || byte === HASH) break;
      if (byte === AT) begin = end + 1;
    }
    return { from: begin, to: end };
  }

  return {
    id(end) {
      const start = values.pos;
      const id = wire.id(end);
      if (id !== '') return id;
      values.pos = start;
      const textEnd = endOfText(end, ID_BYTES_MAX + 2);
      return textEnd > values.pos ? hashOf(values.pos, textEnd) : '';
    },
    hashed(end) {
      const textEnd = endOfText(end, ID_BYTES_MAX + 2);
      if (textEnd === 0) return undefined;
      return textEnd > values.pos ? hashOf(values.pos, textEnd) : '';
    },
    origin(end) {
      const textEnd = endOfText(end, LIMITS.serverUrlLength + 2);
      if (textEnd === 0) return undefined;
      const from = values.pos;
      values.pos = textEnd;
      const scheme = schemeEnd(from, textEnd);
      if (scheme < 0) return '';
      const host = authority(scheme + 3, textEnd);
      if (host.from === scheme + 3) return wire.text(from, host.to);
      return wire.text(from, scheme + 3) + wire.text(host.from, host.to);
    },
  };
}
