/** The choice of a connection with fake connections and a clock that is moved; what is chosen when is route.test.ts's. */
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import type { Connection, Outcome, Publication } from './connection.ts';
import { RETURN_MS, SILENT_MS } from './route.ts';
import { createRoutedConnection } from './routed-connection.ts';

const STORED: Outcome = { kind: 'stored', isDuplicate: false };
const publication = (id: string): Publication => ({ subject: 's', id, payload: new Uint8Array() });

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'Date'] });
});
afterEach(() => {
  vi.useRealTimers();
});
const pass = (ms: number) => vi.advanceTimersByTimeAsync(ms);

type Fake = {
  works: boolean;
  isUp: boolean;
  isOpen: boolean;
  readonly ids: string[];
  answer: () => Promise<Outcome>;
  /** The server dies, or works again; a client that was opened reconnects. */
  set(works: boolean): void;
  readonly connection: Connection;
};

/** A connection that comes up when it is opened, if its server works. */
function fakeConnection(onUp: () => void): Fake {
  const fake: Fake = {
    works: true,
    isUp: false,
    isOpen: false,
    ids: [],
    answer: async () => STORED,
    set(works) {
      fake.works = works;
      if (!works) fake.isUp = false;
      else if (fake.isOpen) void fake.connection.open();
    },
    connection: {
      isUp: () => fake.isUp,
      async open() {
        fake.isOpen = true;
        if (!fake.works || fake.isUp) return;
        fake.isUp = true;
        onUp();
      },
      publish({ id }) {
        if (!fake.isUp) return Promise.resolve({ kind: 'refused', error: 'not connected' });
        fake.ids.push(id);
        return fake.answer();
      },
      maxPayload: () => 1,
      async close() {
        fake.isOpen = false;
        fake.isUp = false;
      },
    },
  };
  return fake;
}

function setUp(regions = ['apac', 'eu-west']) {
  const fakes: Fake[] = [];
  const lines: string[] = [];
  let ups = 0;
  const log = (level: string) => (message: string) => void lines.push(`${level} ${message}`);
  const routed = createRoutedConnection({
    candidates: regions.map((region) => ({
      region,
      connect: (onUp: () => void) => {
        const fake = fakeConnection(onUp);
        fakes.push(fake);
        return fake.connection;
      },
    })) as never,
    slot: 0,
    probe: () => publication('probe'),
    log: { info: log('info'), warn: log('warn'), error: log('error') },
    now: () => Date.now(),
    onUp: () => void ups++,
  });
  const [home, away] = fakes as [Fake, Fake];
  return { routed, home, away, lines, ups: () => ups };
}

it('publishes through the region itself, and opens nothing else', async () => {
  const { routed, home, away } = setUp();
  await routed.open();
  expect(await routed.publish(publication('a'))).toEqual(STORED);
  expect([home.ids, away.isOpen, routed.via()]).toEqual([['a'], false, 'apac']);
});

it('goes through the fallback while the region is down, and back once a probe was acknowledged', async () => {
  const { routed, home, away, lines, ups } = setUp();
  home.works = false;
  await routed.open();
  expect(routed.isUp()).toBe(false);
  await pass(2_500);
  expect([routed.isUp(), routed.via(), ups()]).toEqual([true, 'eu-west', 1]);
  expect(await routed.publish(publication('a'))).toEqual(STORED);
  await pass(RETURN_MS);
  home.set(true);
  await pass(500);
  expect([routed.via(), ups()]).toEqual(['apac', 2]);
  await routed.publish(publication('b'));
  expect([home.ids, away.ids]).toEqual([['probe', 'b'], ['a']]);
  expect(lines).toEqual([
    'warn NATS of the region failed; trying its fallbacks',
    "warn publishing through another region's NATS",
    "info publishing through the region's own NATS again",
  ]);
});

it('gives up what the region does not acknowledge, so that it can be published elsewhere, and hears no late answer', async () => {
  const { routed, home, away } = setUp();
  await routed.open();
  const late = Promise.withResolvers<Outcome>();
  home.answer = () => late.promise;
  const publishing = routed.publish(publication('a'));
  await pass(SILENT_MS + 500);
  expect(await publishing).toMatchObject({ kind: 'lost' });
  expect([routed.via(), routed.isUp()]).toEqual(['eu-west', true]);
  late.resolve(STORED);
  expect(await routed.publish(publication('a'))).toEqual(STORED);
  expect([home.ids, away.ids]).toEqual([['a'], ['a']]);
});

it('stays with a fallback while the region refuses the probe, and logs that once', async () => {
  const { routed, home, lines } = setUp();
  home.answer = async () => ({ kind: 'refused', error: 'PERMISSIONS_VIOLATION' });
  await routed.open();
  for (let second = 0; second < 40; second++) {
    await routed.publish(publication('a'));
    await pass(1_000);
  }
  expect(routed.via()).toBe('eu-west');
  expect(home.ids.filter((id) => id === 'probe').length).toBeGreaterThan(2);
  expect(lines.length).toBe(2);
});

it('logs one line while all of them fail in turn', async () => {
  const { routed, home, away, lines } = setUp();
  home.works = false;
  away.works = false;
  for (let second = 0; second < 60; second++) {
    await routed.open();
    await pass(1_000);
  }
  expect(lines).toEqual(['warn NATS of the region failed; trying its fallbacks']);
  away.set(true);
  await pass(5_000);
  expect([routed.isUp(), routed.via()]).toEqual([true, 'eu-west']);
});

it('rests when nobody publishes: no timer, and no connection is opened again', async () => {
  const { routed, home } = setUp();
  home.works = false;
  await routed.open();
  await pass(3_000);
  await pass(120_000);
  expect(vi.getTimerCount()).toBe(0);
  home.isOpen = false;
  await pass(60_000);
  expect(home.isOpen).toBe(false);
});
