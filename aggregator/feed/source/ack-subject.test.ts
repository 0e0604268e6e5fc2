import { expect, it } from 'vitest';
import { parseAckSubject } from './ack-subject.ts';

const metadata = { streamSequence: 41, consumerSequence: 7, timestampMs: 1_700_000_000_123.5, pending: 2 };

it.each([
  '$JS.ACK.HEALTH.aggregator-x.1.41.7.1700000000123500000.2',
  '$JS.ACK.hub.ACCOUNT.HEALTH.aggregator-x.1.41.7.1700000000123500000.2',
  '$JS.ACK.hub.ACCOUNT.HEALTH.aggregator-x.1.41.7.1700000000123500000.2.random',
])('reads the metadata of a delivery: %s', (reply) => {
  const { timestampMs, ...rest } = parseAckSubject(reply) ?? { timestampMs: 0 };
  expect({ timestampMs: Math.round(timestampMs * 10) / 10, ...rest }).toEqual(metadata);
});

it.each([
  '',
  '_INBOX.aggregator.x',
  '$JS.FC.HEALTH.aggregator-x.1.41.7.9.2',
  '$JS.ACK.HEALTH',
  '$JS.ACK.a.b.c.d.e.f.g.h',
])('tells what is no delivery: %j', (reply) => {
  expect(parseAckSubject(reply)).toBeUndefined();
});
