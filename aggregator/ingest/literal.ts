/** What the scanner looks for in a message: texts, compared by words, and sets of bytes. */

/** Text to be found in the message, as little-endian words and where they begin; the last may overlap. */
export type Literal = {
  readonly length: number;
  readonly words: readonly number[];
  readonly offsets: readonly number[];
};

/** @throws RangeError for fewer than four characters, or others than ASCII */
export function literal(text: string): Literal {
  const padded = new DataView(new TextEncoder().encode(text).buffer);
  const length = text.length;
  const offsets: number[] = [];
  for (let offset = 0; offset + 4 <= length; offset += 4) offsets.push(offset);
  if (length % 4 !== 0) offsets.push(length - 4);
  if (offsets.some((offset) => offset < 0)) throw new RangeError(`too short to compare by words: ${text}`);
  return { length, offsets, words: offsets.map((offset) => padded.getInt32(offset, true)) };
}

/** Whether the text stands at `at`. @param view of the whole message */
export function standsAt(view: DataView, at: number, { length, words, offsets }: Literal): boolean {
  if (at + length > view.byteLength) return false;
  for (let i = 0; i < words.length; i++) {
    if (view.getInt32(at + (offsets[i] as number), true) !== words[i]) return false;
  }
  return true;
}

/** A table of 256: 1 for the ASCII characters that are allowed. */
export function bytesOf(allowed: (char: string) => boolean): Uint8Array {
  return Uint8Array.from({ length: 256 }, (_, byte) => (byte < 128 && allowed(String.fromCharCode(byte)) ? 1 : 0));
}
