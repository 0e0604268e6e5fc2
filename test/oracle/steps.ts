/** The steps that the oracle draws: what clients, the edge, the network, clocks and operators do to an aggregator. */
import fc from 'fast-check';
import { type Content, content } from './content.ts';
import type { Work } from './counters.ts';

export const REGIONS = ['apac', 'eu-west'] as const;
/** Clients, of which every third is in the same meeting. */
export const CLIENTS = 9;

export type Numbered =
  | { readonly by: 'next' }
  /** Skips this many numbers. */
  | { readonly by: 'skip'; readonly count: number }
  /** Repeats the number of this many beacons before. */
  | { readonly by: 'back'; readonly count: number };

/** `held` waits at the edge for a later step, `lost` never arrives there, `twice` is in two batches. */
export type Fate = 'sent' | 'held' | 'lost' | 'twice';

export type Post = {
  readonly client: number;
  readonly seq: Numbered;
  readonly content: Content;
  readonly isLeaving: boolean;
  readonly fate: Fate;
  /** By how much the edge overstates the time that it waited. */
  readonly waitedMs: number;
};

export type Step =
  | { readonly kind: 'post'; readonly posts: readonly Post[] }
  /** Sends a held beacon. */
  | { readonly kind: 'release'; readonly pick: number }
  /** Stores a message a second time. */
  | { readonly kind: 'repeat'; readonly pick: number }
  | { readonly kind: 'damaged'; readonly region: number; readonly how: 'garbage' | 'header' | 'entry' | 'cut' }
  | { readonly kind: 'roam'; readonly client: number }
  | { readonly kind: 'rename'; readonly client: number; readonly participant: number }
  /** A reload that keeps the session id; the new page may report `started`. */
  | { readonly kind: 'reload'; readonly client: number; readonly saysStarted: boolean }
  | { readonly kind: 'epoch'; readonly region: number; readonly slot: number }
  /** A Forwarder publishes its counters. */
  | { readonly kind: 'counters'; readonly region: number; readonly slot: number; readonly work: Work }
  | { readonly kind: 'wait'; readonly ms: number; readonly isTicking: boolean }
  | { readonly kind: 'hang' | 'reconnect' | 'slow' | 'fast'; readonly region: number }
  /** The feed is lost; what was missed is then replayed slowly or not. */
  | { readonly kind: 'drop'; readonly region: number; readonly isSlow: boolean }
  | { readonly kind: 'handle'; readonly region: number; readonly count: number }
  | { readonly kind: 'clock'; readonly whose: 'broker' | 'host' | 'edge'; readonly byMs: number }
  | { readonly kind: 'restart'; readonly isPrompt: boolean };

const client = fc.nat({ max: CLIENTS - 1 });
const region = fc.nat({ max: REGIONS.length - 1 });

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

const few = fc.nat({ max: 20 });
const work: fc.Arbitrary<Work> = fc.record({
  spooled: few,
  drained: few,
  droppedExpired: few,
  inSpool: few,
  publishErrors: few,
  rejected: few,
  publishes: fc.nat({ max: 11 }),
  isOtherTopology: fc.nat({ max: 4 }).map((n) => n === 0),
  how: fc.constantFrom('once' as const, 'once' as const, 'once' as const, 'late' as const, 'damaged' as const),
});

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
  {
    weight: 7,
    arbitrary: fc.record({ kind: fc.constant('counters' as const), region, slot: fc.nat({ max: 1 }), work }),
  },
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
