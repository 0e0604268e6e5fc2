/** The steps that the oracle draws: what clients, the edge, the network, clocks and operators do to an aggregator. */
import fc from 'fast-check';
import type { Peer, Server } from '../../shared/beacon.ts';

export const REGIONS = ['apac', 'eu-west'] as const;
export const SERVERS = ['https://media-1.example.com', 'wss://media-1.example.com'];
/** Clients, of which every third is in the same meeting. */
export const CLIENTS = 9;

/** What a client says beside who it is and which number the beacon has. */
export type Content = {
  /** Absolute values, or how much each counter rises by. */
  readonly peers: readonly PeerContent[];
  readonly rtt: readonly number[] | undefined;
  readonly server: Server | undefined;
  readonly dropped: number | undefined;
  /** Of the page; undefined when the client does not say. */
  readonly visible: boolean | undefined;
};

export type PeerContent = Peer & { readonly isReset: boolean };

export type Numbered =
  | { readonly by: 'next' }
  /** Leaves out so many numbers. */
  | { readonly by: 'skip'; readonly count: number }
  /** Says again a number of so many before. */
  | { readonly by: 'back'; readonly count: number };

/** `held` waits at the edge for a later step, `lost` never gets there, `twice` is in two batches. */
export type Fate = 'sent' | 'held' | 'lost' | 'twice';

export type Post = {
  readonly client: number;
  readonly seq: Numbered;
  readonly content: Content;
  readonly isLeaving: boolean;
  readonly fate: Fate;
  /** By how much longer than it did the edge says that it waited. */
  readonly waitedMs: number;
};

export type Step =
  | { readonly kind: 'post'; readonly posts: readonly Post[] }
  /** A held beacon is sent. */
  | { readonly kind: 'release'; readonly pick: number }
  /** A message is stored a second time. */
  | { readonly kind: 'repeat'; readonly pick: number }
  | { readonly kind: 'damaged'; readonly region: number; readonly how: 'garbage' | 'header' | 'entry' | 'cut' }
  | { readonly kind: 'roam'; readonly client: number }
  | { readonly kind: 'rename'; readonly client: number; readonly participant: number }
  /** A page that keeps its session id; it may be one that says when it started. */
  | { readonly kind: 'reload'; readonly client: number; readonly saysStarted: boolean }
  | { readonly kind: 'epoch'; readonly region: number; readonly slot: number }
  | { readonly kind: 'wait'; readonly ms: number; readonly isTicking: boolean }
  | { readonly kind: 'hang' | 'reconnect' | 'slow' | 'fast'; readonly region: number }
  /** The feed is lost; what was missed is then replayed slowly or not. */
  | { readonly kind: 'drop'; readonly region: number; readonly isSlow: boolean }
  | { readonly kind: 'handle'; readonly region: number; readonly count: number }
  | { readonly kind: 'clock'; readonly whose: 'broker' | 'host' | 'edge'; readonly byMs: number }
  | { readonly kind: 'restart'; readonly isPrompt: boolean };

const client = fc.nat({ max: CLIENTS - 1 });
const region = fc.nat({ max: REGIONS.length - 1 });

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
const content: fc.Arbitrary<Content> = fc.record({
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
const numbered: fc.Arbitrary<Numbered> = fc.oneof(
  { weight: 12, arbitrary: fc.constant({ by: 'next' as const }) },
  {
    weight: 3,
    arbitrary: fc.record({
      by: fc.constant('skip' as const),
      count: fc.oneof(fc.nat({ max: 4 }), fc.constantFrom(30, 31, 32, 40, 999, 1_000, 1_500)),
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      by: fc.constant('back' as const),
      count: fc.oneof(fc.nat({ max: 4 }), fc.constantFrom(30, 31, 32, 60)),
    }),
  },
);
const post: fc.Arbitrary<Post> = fc.record({
  client,
  seq: numbered,
  content,
  isLeaving: fc.oneof({ weight: 12, arbitrary: fc.constant(false) }, { weight: 1, arbitrary: fc.constant(true) }),
  fate: fc.oneof(
    { weight: 12, arbitrary: fc.constant('sent' as const) },
    { weight: 2, arbitrary: fc.constantFrom('held' as const, 'lost' as const, 'twice' as const) },
  ),
  waitedMs: fc.oneof(
    { weight: 10, arbitrary: fc.nat({ max: 300 }) },
    { weight: 2, arbitrary: fc.nat({ max: 40_000 }) },
    { weight: 1, arbitrary: fc.constantFrom(-5_000, 29_999, 30_000, 30_001, 90_000_000) },
  ),
});

function on<const Kind extends 'hang' | 'reconnect' | 'slow' | 'fast'>(kind: Kind) {
  return fc.record({ kind: fc.constant(kind), region });
}

const wait = fc.record({
  kind: fc.constant('wait' as const),
  ms: fc.oneof(
    { weight: 4, arbitrary: fc.nat({ max: 1_500 }) },
    { weight: 3, arbitrary: fc.nat({ max: 8_000 }) },
    { weight: 1, arbitrary: fc.nat({ max: 40_000 }) },
    { weight: 1, arbitrary: fc.constantFrom(250, 1_000, 2_000, 10_000, 29_750, 30_000, 30_250) },
  ),
  isTicking: fc.oneof({ weight: 4, arbitrary: fc.constant(true) }, { weight: 1, arbitrary: fc.constant(false) }),
});

export const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 40,
    arbitrary: fc.record({ kind: fc.constant('post' as const), posts: fc.array(post, { minLength: 1, maxLength: 3 }) }),
  },
  { weight: 14, arbitrary: wait },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant('release' as const), pick: fc.nat() }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('repeat' as const), pick: fc.nat({ max: 3 }) }) },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constant('damaged' as const),
      region,
      how: fc.constantFrom('garbage' as const, 'header' as const, 'entry' as const, 'cut' as const),
    }),
  },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant('roam' as const), client }) },
  {
    weight: 1,
    arbitrary: fc.record({ kind: fc.constant('rename' as const), client, participant: fc.nat({ max: 3 }) }),
  },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant('reload' as const), client, saysStarted: fc.boolean() }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('epoch' as const), region, slot: fc.nat({ max: 1 }) }) },
  { weight: 1, arbitrary: on('hang') },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('drop' as const), region, isSlow: fc.boolean() }) },
  { weight: 4, arbitrary: on('reconnect') },
  { weight: 1, arbitrary: on('slow') },
  { weight: 2, arbitrary: on('fast') },
  { weight: 4, arbitrary: fc.record({ kind: fc.constant('handle' as const), region, count: fc.nat({ max: 4 }) }) },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constant('clock' as const),
      whose: fc.constantFrom('broker' as const, 'host' as const, 'edge' as const),
      byMs: fc.oneof(fc.integer({ min: -3_000, max: 3_000 }), fc.constantFrom(-3_600_000, 3_600_000, 29_000)),
    }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('restart' as const), isPrompt: fc.boolean() }) },
);
