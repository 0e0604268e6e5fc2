/** The exposition in Prometheus' protobuf format, in slices: live distributions as native gauge histograms, too. */
import type { ExposeOptions, Exposition } from '../exposition.ts';
import { FAMILIES } from '../families.ts';
import { createProtobufEncoder } from './encoder.ts';
import { parseLabels } from './parse-text.ts';

/** Bytes as characters of one byte each, since slices are put together as strings. */
export type Latin1 = string;

/** In characters of text: each piece repeats the header of its family, and is one step of work. */
const PIECE_LENGTH = 16 * 1024;

const LIVE = new Map(FAMILIES.flatMap(({ of, name, help }) => (of === 'live distribution' ? [[name, help]] : [])));

/** What {@link Exposition.text} writes, and each live distribution as a native gauge histogram of the same name. */
export function* protobuf(
  expose: Exposition['text'],
  options: Omit<ExposeOptions, 'openMetrics'>,
): Generator<Latin1, void, void> {
  const encoder = createProtobufEncoder((name) => LIVE.has(name));
  let natives: Latin1 = '';
  const text = expose({
    ...options,
    openMetrics: false,
    onDistribution(name, labels, distribution) {
      const buckets = distribution.exponential();
      natives += bytes(
        encoder.encodeNative({ name, help: LIVE.get(name) ?? '', labels: parseLabels(labels), buckets }),
      );
    },
  });
  let piece = '';
  for (const slice of text) {
    piece += slice;
    if (piece.length < PIECE_LENGTH) {
      yield '';
      continue;
    }
    yield natives + bytes(encoder.encode(piece));
    natives = '';
    piece = '';
  }
  yield natives + bytes(encoder.encode(piece));
}

/** Other text of format 0.0.4, as prom-client writes it. */
export function textAsProtobuf(text: string): Latin1 {
  return bytes(createProtobufEncoder(() => false).encode(text));
}

function bytes(message: Uint8Array): Latin1 {
  return Buffer.from(message.buffer, message.byteOffset, message.byteLength).toString('latin1');
}
