import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { fullPeer, fullSelfReport, validEntry } from '../../../test/support/edge/beacon.ts';
import { expose } from '../../../test/support/metrics/expose.ts';
import { parseMetrics, pick, type Sample } from '../../../test/support/metrics/exposition-text.ts';
import { readProtobuf } from '../../../test/support/metrics/protobuf-samples.ts';
import { createSessions, type Sessions } from '../../store/sessions.ts';
import { applyEntry, noteRightClocks } from '../../store/testing.ts';
import { FAMILIES } from '../families.ts';
import { GROUPS } from '../family.ts';
import { createProcessMetrics } from '../process-metrics.ts';
import { headerText, histogramText, labelText, sampleText } from '../text-format.ts';
import { createProtobufEncoder } from './encoder.ts';
import { protobuf, textAsProtobuf } from './exposition.ts';

const NOW = 1_800_000_000_000;
const REGIONS = ['apac', 'sa'];
const OPTIONS = { nowMs: NOW + 5_000, collect: new Set(GROUPS) };

type Person = { readonly region: string; readonly rtt: number };

function storeOf(people: readonly Person[]): Sessions {
  const servers = ['https://media."quoted"\\.example.com'];
  const limits = { ttlSeconds: 30, maxSessions: 100, maxSessionSeries: 1_000 };
  const sessions = createSessions({ regions: REGIONS, servers, ...limits });
  for (const region of REGIONS) {
    sessions.feedUp(region, NOW);
    noteRightClocks(sessions, region);
  }
  for (const [i, { region, rtt }] of people.entries()) {
    for (const seq of [0, 1]) {
      const nowMs = NOW + seq * 5_000;
      const figures = { rtt: [rtt], peers: [fullPeer('s-0', seq)], ...fullSelfReport(seq) };
      const entry = validEntry(
        { session_id: `s-${i}`, seq, server: { url: servers[0] ?? '', type: 'webrtc' }, ...figures },
        nowMs,
      );
      applyEntry(sessions, region, entry, nowMs);
    }
  }
  return sessions;
}

/** In one order, with labels in one order. */
function sorted(samples: readonly Sample[]): string[] {
  return samples
    .map(({ name, labels, value }) => `${name} ${JSON.stringify(Object.entries(labels).sort())} ${value}`)
    .sort();
}

function bytesOf(slices: Iterable<string>): Uint8Array {
  return Buffer.from([...slices].join(''), 'latin1');
}

/** Halves of a pair, which are no character, become one that is. */
function toCharacter(code: number): string {
  return code >= 0xd800 && code < 0xe000 ? '\u2028' : String.fromCodePoint(code);
}

const people = fc.array(
  fc.record({
    region: fc.constantFrom(...REGIONS),
    rtt: fc.oneof(fc.constant(0), fc.double({ min: 0, max: 9, noNaN: true })),
  }),
  { maxLength: 20 },
);

describe('the protobuf exposition', () => {
  it('says the same as the text', () => {
    fc.assert(
      fc.property(people, (plan) => {
        const sessions = storeOf(plan);
        const text = [...expose(sessions, { ...OPTIONS, openMetrics: false })].join('');
        const { samples } = readProtobuf(bytesOf(protobuf((options) => expose(sessions, options), OPTIONS)));
        expect(sorted(samples)).toEqual(sorted(parseMetrics(text)));
      }),
      { numRuns: 10 },
    );
  });

  it('has each live distribution as a native gauge histogram of the same values, for each series', () => {
    const sessions = storeOf([0, 0.08, 0.08, 0.3, 3.9].map((rtt) => ({ region: 'apac', rtt })));
    const { samples, natives, headers } = readProtobuf(
      bytesOf(protobuf((options) => expose(sessions, options), OPTIONS)),
    );
    const live = FAMILIES.filter(({ of }) => of === 'live distribution').map(({ name }) => name);
    expect(natives.length).toBeGreaterThan(live.length / 2);
    for (const { name, labels, count, sum, zeros, buckets } of natives) {
      expect(headers.get(name)).toEqual({
        help: FAMILIES.find((one) => one.name === name)?.help,
        type: 'gaugehistogram',
      });
      expect(zeros + buckets.reduce((total, [, inBucket]) => total + inBucket, 0)).toBe(count);
      expect(pick(samples, `${name}_count`, labels).map(({ value }) => value)).toEqual([count]);
      expect(pick(samples, `${name}_sum`, labels).map(({ value }) => value)).toEqual([sum]);
      expect(headers.get(`${name}_bucket`)?.type).toBe('gauge');
    }
    const rtt = natives.find(({ name }) => name === 'edgepulse_live_rtt_seconds');
    expect(rtt).toMatchObject({
      count: 5,
      zeros: 1,
      labels: { region: 'apac', server_url: 'https://media."quoted"\\.example.com' },
    });
    const uppers = [0.08, 0.3, 3.9].map((value) => 2 ** (Math.ceil(Math.log2(value) * 16) / 16));
    expect(rtt?.buckets.filter(([, count]) => count > 0)).toEqual([2, 1, 1].map((count, i) => [uppers[i], count]));
  });

  it('writes what prom-client says of the process', async () => {
    // Of garbage collection there is nothing yet: with `le` first, and its series' lines apart.
    const collection = [
      '# HELP nodejs_gc_duration_seconds Duration.',
      '# TYPE nodejs_gc_duration_seconds histogram',
      ...['minor', 'major'].map((kind) => `nodejs_gc_duration_seconds_bucket{le="0.1",kind="${kind}"} 3`),
      ...['minor', 'major'].map((kind) => `nodejs_gc_duration_seconds_bucket{le="+Inf",kind="${kind}"} 4`),
      ...['minor', 'major'].map((kind) => `nodejs_gc_duration_seconds_sum{kind="${kind}"} 0.5`),
      ...['minor', 'major'].map((kind) => `nodejs_gc_duration_seconds_count{kind="${kind}"} 4`),
    ];
    const written = (await createProcessMetrics().text(false))
      .split('\n')
      .filter((line) => !line.includes('nodejs_gc_'));
    const text = [...written, ...collection, ''].join('\n');
    const { samples, headers } = readProtobuf(bytesOf([textAsProtobuf(text)]));
    expect(sorted(samples)).toEqual(sorted(parseMetrics(text)));
    expect(headers.get('process_cpu_seconds_total')?.type).toBe('counter');
    expect(headers.get('nodejs_gc_duration_seconds')?.type).toBe('histogram');
  });

  it('reads any text, in any pieces of whole series', () => {
    // Below U+20000: pbf 5.1.2 writes some characters above that as others.
    const characters = fc.string({ unit: fc.integer({ min: 0, max: 0x1ffff }).map(toCharacter) });
    const labels = fc.dictionary(fc.constantFrom('a', 'b_c', 'le2'), characters);
    const value = fc.double({ min: -Number.MAX_VALUE });
    const counts = fc.array(fc.nat(9), { minLength: 3, maxLength: 3 });
    fc.assert(
      fc.property(fc.array(fc.tuple(labels, value, counts, fc.boolean())), characters, (series, help) => {
        const encoder = createProtobufEncoder(() => false);
        const histogram = ([of, sum, [a = 0, b = 0, c = 0]]: (typeof series)[number]) =>
          histogramText('h', labelText(of), { bounds: [0.5, 1], cumulative: [a, a + b], count: a + b + c, sum });
        const once = [...new Map(series.map((one) => [JSON.stringify(one[0]), one])).values()];
        const pieces = [
          headerText({ name: 'g', type: 'gauge', unit: '', help, collect: 'process' }, false),
          ...once.map(([of, number]) => sampleText('g', labelText(of), number)),
          headerText({ name: 'h', type: 'histogram', unit: '', help, collect: 'process' }, false),
          ...once.map(histogram),
        ];
        // Joined where the boolean says so: a message a piece, or one of several.
        const joined = pieces.reduce<string[]>((all, piece, i) => {
          if (series[i % Math.max(1, series.length)]?.[3] && all.length > 0) all.push(`${all.pop()}${piece}`);
          else all.push(piece);
          return all;
        }, []);
        const messages = joined.map((piece) => encoder.encode(piece));
        const { samples, headers } = readProtobuf(Buffer.concat(messages));
        expect(sorted(samples)).toEqual(
          sorted(parseMetrics(pieces.filter((piece) => !piece.startsWith('#')).join(''))),
        );
        if (once.length > 0) expect(headers.get('h')).toEqual({ help, type: 'histogram' });
      }),
    );
  });

  it('is written in bounded steps, each of whole messages', () => {
    const sessions = storeOf(Array.from({ length: 60 }, () => ({ region: 'apac', rtt: 0.1 })));
    const slices = [...protobuf((options) => expose(sessions, options), { ...OPTIONS, linesAtOnce: 50 })];
    expect(slices.length).toBeGreaterThan(10);
    for (const slice of slices) expect(() => readProtobuf(Buffer.from(slice, 'latin1'))).not.toThrow();
    expect(Math.max(...slices.map(({ length }) => length))).toBeLessThan(40_000);
  });
});
