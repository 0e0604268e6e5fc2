/**
 * The reply subject of a JetStream delivery, which carries the message's metadata. Nothing is
 * acknowledged here; it is only read.
 */

/** Metadata of one JetStream delivery. */
export type AckSubject = {
  /** The message's number in the stream, from 1. */
  readonly streamSequence: number;
  /** The delivery's number within its consumer, from 1, without gaps. */
  readonly consumerSequence: number;
  /** The broker's clock when it stored the message, in milliseconds since the epoch. */
  readonly timestampMs: number;
  /** Messages that the consumer has yet to deliver, when it delivered this one. */
  readonly pending: number;
};

/**
 * Reads `$JS.ACK.<stream>.<consumer>.<tries>.<stream sequence>.<consumer sequence>.<time>.<pending>`,
 * or the longer form with domain and account in front of the stream (ADR-15 of NATS).
 * @returns undefined when it isn't the reply subject of a delivery
 */
export function parseAckSubject(reply: string): AckSubject | undefined {
  const tokens = reply.split('.');
  if (tokens[0] !== '$JS' || tokens[1] !== 'ACK') return undefined;
  const first = tokens.length === 9 ? 5 : 7;
  const [streamSequence, consumerSequence, nanoseconds, pending] = tokens.slice(first, first + 4).map(Number);
  if (streamSequence === undefined || consumerSequence === undefined) return undefined;
  if (nanoseconds === undefined || pending === undefined) return undefined;
  return { streamSequence, consumerSequence, timestampMs: nanoseconds / 1e6, pending };
}
