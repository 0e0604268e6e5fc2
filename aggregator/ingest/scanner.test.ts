import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  AUDIO_MAX,
  type Beacon,
  decodeBeacon,
  NETEQ_MAX,
  OPERATIONS_MAX,
  SERVER_TYPES,
  VIDEO_MAX,
} from '../../shared/beacon.ts';
import { decodeEnvelope, type Entry, encodeEntry, encodeEnvelope } from '../../shared/envelope.ts';
import { edgeCounters, validEntry } from '../../test/support/edge/beacon.ts';
import { createReports, numbersAt, PEER_COLUMN, type Report, type Reports } from '../store/report.ts';
import { createScanner } from './scanner.ts';

const scan = createScanner();

/** Numbers of every spelling that JSON has for them. */
function numberUpTo(max: number): fc.Arbitrary<number> {
  return fc.oneof(
    fc.nat(Math.min(max, 100_000)),
    fc.double({ min: 0, max, noNaN: true }),
    fc.double({ min: 0, max: Math.min(max, 1), noNaN: true }).map((value) => Math.round(value * 1e6) / 1e6),
    fc.constantFrom(0, max, 1e-7, 0.1 + 0.2),
  );
}

function membersOf(limits: { readonly [name: string]: number }): fc.Arbitrary<{ [name: string]: number }> {
  const fields = Object.fromEntries(Object.entries(limits).map(([name, max]) => [name, numberUpTo(max)]));
  return fc.record(fields, { requiredKeys: [] }).map((chosen) => {
    // In the order of the schema, as the decoder writes them.
    return Object.fromEntries(Object.keys(limits).flatMap((name) => (name in chosen ? [[name, chosen[name]]] : [])));
  }) as fc.Arbitrary<{ [name: string]: number }>;
}

const id = fc.stringMatching(/^[A-Za-z0-9_.-]{1,64}$/);
const neteq = fc
  .tuple(membersOf(NETEQ_MAX), fc.option(membersOf(OPERATIONS_MAX), { nil: undefined }))
  .map(([rates, operations_per_second]) => (operations_per_second ? { ...rates, operations_per_second } : rates));
const peer = fc
  .record(
    { peer_id: id, audio: membersOf(AUDIO_MAX), neteq, video: membersOf(VIDEO_MAX) },
    { requiredKeys: ['peer_id'] },
  )
  .map(({ peer_id, audio, neteq: rates, video }) => ({
    peer_id,
    ...(audio && { audio }),
    ...(rates && { neteq: rates }),
    ...(video && { video }),
  }));
const beacon = fc
  .record(
    {
      meeting_id: id,
      session_id: id,
      participant_id: id,
      seq: fc.nat(),
      peers: fc.uniqueArray(peer, { selector: (one) => one.peer_id, maxLength: 6 }),
      dropped: fc.nat(),
      leaving: fc.constant(true),
      server: fc.record({ url: fc.oneof(fc.webUrl(), fc.string()), type: fc.constantFrom(...SERVER_TYPES) }),
      rtt: fc.array(numberUpTo(60), { maxLength: 32 }),
    },
    { requiredKeys: ['meeting_id', 'session_id', 'participant_id', 'seq', 'peers'] },
  )
  .map(({ meeting_id, session_id, participant_id, seq, peers, ...rest }) => {
    const { dropped, leaving, server, rtt } = rest;
    const identity = { v: 1, meeting_id, session_id, participant_id, seq, peers };
    const optional = { ...(dropped !== undefined && { dropped }), ...(leaving && { leaving }) };
    return { ...identity, ...optional, ...(server && { server }), ...(rtt && { rtt }) } as Beacon;
  });
const message = fc
  .array(fc.record({ received_at: fc.nat(), colo: fc.constantFrom('SIN', ''), beacon }), { maxLength: 4 })
  .map((entries) => encodeEnvelope({ region: 'apac', lane: 'f03', edge: edgeCounters() }, entries.map(encodeEntry)));

/** The edge writes what it decoded, so that members stand in the schema's order. */
function asEdgeWrites(entry: Entry): string {
  const decoded = decodeBeacon(entry.beacon);
  if (!decoded.ok) throw new Error(decoded.detail);
  return encodeEntry({ ...entry, beacon: decoded.value });
}

/** Everything that a reader of the reports can see. */
function contentOf(reports: Reports): unknown[] {
  const columns = Object.values(PEER_COLUMN).flatMap((ofPart) => Object.values(ofPart));
  return range(0, reports.count).map((i) => {
    const { rttFrom, rttTo, peersFrom, peersTo, ...fields } = reports.list[i] as Report;
    return {
      ...fields,
      rtt: [...reports.rtt.slice(rttFrom, rttTo)],
      peers: range(peersFrom, peersTo).map((peer) => ({
        id: reports.peerIds[peer],
        numbers: columns.map((column) => reports.numbers[numbersAt(peer) + column]),
      })),
    };
  });
}

function range(from: number, to: number): number[] {
  return Array.from({ length: to - from }, (_, i) => from + i);
}

/** What the general decoder makes of a text, in the same form; undefined when it refuses any part. */
function generally(text: string): unknown {
  const decoded = decodeEnvelope(text);
  if (!decoded.ok || decoded.value.invalid > 0) return undefined;
  const reports = createReports();
  for (const { received_at, beacon: one } of decoded.value.entries) reports.addBeacon(received_at, one);
  return { region: decoded.value.region, lane: decoded.value.lane, reports: contentOf(reports) };
}

function scanned(text: string): unknown {
  const reports = createReports();
  const result = scan(new TextEncoder().encode(text), reports);
  return result && { region: result.region, lane: result.lane, reports: contentOf(reports) };
}

describe('the scanner', () => {
  it('reads what the edge writes, and not by declining it', () => {
    const text = encodeEnvelope({ region: 'apac', lane: 'f03', edge: edgeCounters() }, [
      asEdgeWrites(validEntry({ leaving: true, dropped: 3 })),
      asEdgeWrites(validEntry({ session_id: 's-2', rtt: [], peers: [] })),
    ]);
    expect(scanned(text)).toEqual(generally(text));
    expect(scanned(text)).toBeDefined();
  });

  it('agrees with the decoder on every message of the edge, or declines it', () => {
    let read = 0;
    fc.assert(
      fc.property(message, (text) => {
        const fast = scanned(text);
        if (fast === undefined) return;
        read++;
        expect(fast).toEqual(generally(text));
      }),
      { numRuns: 500 },
    );
    expect(read).toBeGreaterThan(100);
  });

  it('agrees with the decoder on damaged messages, or declines them', () => {
    const damage = fc.record({
      at: fc.nat(),
      length: fc.nat(3),
      text: fc.constantFrom(
        '',
        '"',
        '}',
        ']',
        ',',
        '0',
        '-',
        '.',
        'e',
        ' ',
        '\n',
        '\\',
        '1e9',
        'ü',
        '65',
        ',"rtt":[1]',
      ),
    });
    let read = 0;
    fc.assert(
      fc.property(message, fc.array(damage, { minLength: 1, maxLength: 2 }), (text, damages) => {
        let damaged = text;
        for (const { at, length, text: by } of damages) {
          const from = at % (damaged.length + 1);
          damaged = damaged.slice(0, from) + by + damaged.slice(from + length);
        }
        const fast = scanned(damaged);
        if (fast === undefined) return;
        read++;
        expect(fast).toEqual(generally(damaged));
      }),
      { numRuns: 3_000 },
    );
    expect(read).toBeGreaterThan(100);
  });

  it.each([
    ['65 peers', { peers: Array.from({ length: 65 }, (_, i) => ({ peer_id: `p${i}` })) }],
    ['33 samples', { rtt: new Array<number>(33).fill(0.1) }],
    ['a sample over a minute', { rtt: [60.001] }],
    ['a repeated peer', { peers: [{ peer_id: 'a' }, { peer_id: 'a' }] }],
    ['too long an id', { meeting_id: 'm'.repeat(65) }],
    ['an empty id', { session_id: '' }],
    ['a rate that cannot be', { peers: [{ peer_id: 'a', neteq: { operations_per_second: { expand: 1001 } } }] }],
  ])('does not accept %s', (_, overrides) => {
    const entry = encodeEntry(validEntry(overrides));
    expect(scanned(encodeEnvelope({ region: 'apac', lane: 'f03', edge: edgeCounters() }, [entry]))).toBeUndefined();
  });
});
