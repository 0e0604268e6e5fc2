/** Canaries on a connection that records what is published; with a real NATS they are forwarder.test.ts's. */
import { expect, it } from 'vitest';
import { decodeBatch } from '../../shared/batch.ts';
import { NOW_MS } from '../testing.ts';
import { type Canaries, createCanaries } from './canaries.ts';
import type { Outcome, Publication } from './connection/connection.ts';

const CALL = { sentAtMs: NOW_MS - 40, signatures: ['a', 'b', ''], topology: 'topology-1' };

function setUp(outcomeOf: (publication: Publication) => Outcome = () => ({ kind: 'stored', isDuplicate: false })) {
  const published: Publication[] = [];
  const topologies: string[] = [];
  let id = 0;
  const canaries: Canaries = createCanaries({
    place: { region: 'apac', slot: 7 },
    connection: {
      async open() {},
      publish(publication) {
        published.push(publication);
        return Promise.resolve(outcomeOf(publication));
      },
    },
    onTopology: (topology) => topologies.push(topology),
    now: () => NOW_MS,
    newId: () => `id-${id++}`,
  });
  return { canaries, published, topologies };
}

it('go to the subject of each lane, in batches that count nothing, each of an epoch of its own', async () => {
  const { canaries, published, topologies } = setUp();
  expect(await canaries.publish(CALL)).toEqual({ missing: [] });
  expect(published.map(({ subject, id, payload }) => [subject, id, decodeBatch(payload)])).toEqual(
    CALL.signatures.map((signature, lane) => [
      `health.diagnostics.apac.edge.f0${lane}`,
      `id-${lane}`,
      {
        ok: true,
        value: {
          slot: 7,
          epoch: `id-${lane}`,
          accepted: 0,
          sentAtMs: NOW_MS,
          entries: [],
          invalid: 0,
          canary: { sentAtMs: NOW_MS - 40, signature },
        },
      },
    ]),
  );
  expect(topologies).toEqual(['topology-1']);
});

it.each(['refused', 'lost', 'too_large'] as const)('name the lanes of which the canary was %s', async (kind) => {
  const { canaries } = setUp(({ subject }) =>
    subject.endsWith('f01') ? { kind, error: 'no' } : { kind: 'stored', isDuplicate: false },
  );
  expect(await canaries.publish(CALL)).toEqual({ missing: ['f01'] });
});
