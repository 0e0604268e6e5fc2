/** What simulated clients report: numbers as exact as the wire keeps them, at their limits, and absent ones. */
import fc from 'fast-check';
import type { Peer, Server } from '../../shared/beacon.ts';

export const SERVERS = ['https://media-1.example.com', 'wss://media-1.example.com'];

/** What a client reports, except its ids and the beacon's number. */
export type Content = {
  /** Absolute values, or the amount by which each counter rises. */
  readonly peers: readonly PeerContent[];
  readonly rtt: readonly number[] | undefined;
  readonly server: Server | undefined;
  readonly dropped: number | undefined;
  /** Of the page; undefined when the client does not report it. */
  readonly visible: boolean | undefined;
};

export type PeerContent = Peer & { readonly isReset: boolean };

/** As the wire has them: whole counts, microseconds and thousandths. */
const rise = fc.oneof(
  { weight: 8, arbitrary: fc.nat({ max: 48_000 }) },
  { weight: 4, arbitrary: fc.constant(0) },
  { weight: 1, arbitrary: fc.constantFrom(2 ** 31, 2 ** 32 + 1, 2 ** 45) },
);
const seconds = fc.oneof(
  { weight: 3, arbitrary: fc.nat({ max: 600_000 }).map((micros) => micros / 1e6) },
  { weight: 1, arbitrary: fc.constantFrom(0, -0, 0.01, 0.05, 0.15, 0.25, 2, 10, 0.000_001) },
  { weight: 1, arbitrary: fc.nat({ max: 10_000_000 }).map((micros) => micros / 1e6) },
);
const rate = fc.oneof(
  { weight: 3, arbitrary: fc.nat({ max: 30_000 }).map((milli) => milli / 1e3) },
  { weight: 1, arbitrary: fc.constantFrom(0, -0, 5, 15, 100, 1_000, 0.001) },
);
const delay = fc.oneof(fc.double({ min: 0, max: 500, noNaN: true }), fc.constantFrom(0, -0, 1e-9, 2 ** 40));

const audio = fc.record(
  {
    jitterBufferDelay: delay,
    jitterBufferEmittedCount: rise,
    jitterBufferTargetDelay: delay,
    concealedSamples: rise,
    silentConcealedSamples: rise,
    insertedSamplesForDeceleration: rise,
    removedSamplesForAcceleration: rise,
    totalSamplesReceived: rise,
    totalAudioEnergy: delay,
    packetsReceived: rise,
    packetsLost: fc.integer({ min: -100, max: 100 }),
    jitter: seconds,
  },
  { requiredKeys: [], noNullPrototype: true },
);
const neteq = fc.record(
  {
    buffer: seconds,
    target_delay: seconds,
    packets_per_second: rate,
    operations_per_second: fc.record(
      { normal: rate, expand: rate, accelerate: rate, fast_accelerate: rate, merge: rate },
      { requiredKeys: [], noNullPrototype: true },
    ),
  },
  { requiredKeys: [], noNullPrototype: true },
);
const video = fc.record(
  {
    framesPerSecond: rate,
    framesDecoded: rise,
    framesDropped: rise,
    freezeCount: rise,
    totalFreezesDuration: fc.oneof(fc.double({ min: 0, max: 3, noNaN: true }), delay),
    packetsReceived: rise,
    packetsLost: fc.integer({ min: -100, max: 100 }),
  },
  { requiredKeys: [], noNullPrototype: true },
);
const peer: fc.Arbitrary<PeerContent> = fc.record(
  {
    peer_id: fc.constantFrom('a', 'b', 'c', 'd'),
    audio,
    neteq,
    video,
    isReset: fc.oneof({ weight: 9, arbitrary: fc.constant(false) }, { weight: 1, arbitrary: fc.constant(true) }),
  },
  { requiredKeys: ['peer_id', 'isReset'], noNullPrototype: true },
);
export const content: fc.Arbitrary<Content> = fc.record({
  peers: fc.uniqueArray(peer, { maxLength: 4, selector: ({ peer_id }) => peer_id }),
  rtt: fc.option(fc.array(seconds, { maxLength: 4 }), { nil: undefined, freq: 4 }),
  server: fc.option(
    fc.record({
      url: fc.constantFrom(
        ...SERVERS,
        `${SERVERS[0]}/a?b`,
        'HTTPS://Media-1.example.com:443',
        'https://nobody.example',
        'no url',
      ),
      type: fc.constantFrom('webtransport' as const, 'webrtc' as const),
    }),
    { nil: undefined, freq: 4 },
  ),
  dropped: fc.option(fc.nat({ max: 6 }), { nil: undefined, freq: 2 }),
  visible: fc.option(
    fc.nat({ max: 5 }).map((n) => n > 0),
    { nil: undefined, freq: 2 },
  ),
});
