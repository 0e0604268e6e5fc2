import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createRoute, HOME, RETURN_MAX_MS, RETURN_MS, SILENT_MS } from './route.ts';

/** What a publish comes to: it is acknowledged after so many ms, or refused at once; or there is no connection. */
type State = number | 'refused' | 'down';

/** How each route is at a time, in ms since the start. */
type World = (routeIndex: number, atMs: number) => State;

const STEP_MS = 250;
const WORKS = 5;

/** A Forwarder that publishes every second and whose clock is the simulation's. @returns each change of the route */
function simulate(world: World, totalMs: number, { routes = 3, startMs = 0 } = {}): [atMs: number, route: number][] {
  const route = createRoute(routes);
  const changes: [number, number][] = [];
  let pending: { readonly endMs: number; readonly isStored: boolean; readonly generation: number }[] = [];
  let probe: { readonly endMs: number; readonly isStored: boolean } | undefined;
  let generation = 0;
  const end = (state: State, atMs: number) =>
    typeof state === 'number' ? { endMs: atMs + state, isStored: true } : { endMs: atMs, isStored: false };
  for (let atMs = 0; atMs < totalMs; atMs += STEP_MS) {
    const nowMs = startMs + atMs;
    const before = route.current();
    for (const { isStored } of pending.filter((one) => one.endMs <= atMs && one.generation === generation)) {
      route.ended(isStored, nowMs);
    }
    pending = pending.filter((one) => one.endMs > atMs);
    if (probe && probe.endMs <= atMs) {
      route.probed(probe.isStored, nowMs);
      probe = undefined;
    }
    const state = world(route.current(), atMs);
    if (state === 'down') route.want(nowMs);
    else if (atMs % 1_000 === 0) {
      route.began(nowMs);
      pending.push({ ...end(state, atMs), generation });
    }
    route.check(nowMs, state !== 'down');
    const home = world(HOME, atMs);
    if (!probe && home !== 'down' && route.isProbeDue(nowMs)) {
      const { endMs, isStored } = end(home, atMs);
      probe = endMs - atMs > SILENT_MS ? { endMs: atMs + SILENT_MS, isStored: false } : { endMs, isStored };
    }
    if (route.current() === before) continue;
    generation += 1;
    changes.push([atMs, route.current()]);
  }
  return changes;
}

const homeIs =
  (state: State): World =>
  (index) =>
    index === HOME ? state : WORKS;

describe('the route', () => {
  it.each<[string, World, number[]]>([
    ['is the home, while it works', homeIs(WORKS), []],
    ['is the home, which is slow and acknowledges', homeIs(SILENT_MS - 1_000), []],
    ['is the first fallback, while the home is down', homeIs('down'), [1]],
    ['is the first fallback, while the home acknowledges nothing', homeIs(600_000), [1]],
    ['is the first fallback, while the home refuses', homeIs('refused'), [1]],
    ['is the first fallback, while the home acknowledges too slowly', homeIs(SILENT_MS + 3_000), [1]],
    ['is the second fallback, while the first is down too', (index) => (index < 2 ? 'down' : WORKS), [1, 2]],
    [
      'is the second fallback, while the first refuses',
      (index) => (['down', 'refused', WORKS] as const)[index] ?? 'down',
      [1, 2],
    ],
  ])('%s', (_, world, routes) => {
    expect(simulate(world, 120_000).map(([, route]) => route)).toEqual(routes);
  });

  it('never changes where there is no fallback', () => {
    expect(simulate(homeIs('down'), 60_000, { routes: 1 })).toEqual([]);
  });

  it('goes round while none works, and stays with the first that does', () => {
    const world: World = (index, atMs) => (index === 2 && atMs > 20_000 ? WORKS : 'down');
    const changes = simulate(world, 60_000);
    expect(changes.slice(0, 5).map(([, route]) => route)).toEqual([1, 2, 0, 1, 2]);
    expect(changes.at(-1)?.[1]).toBe(2);
    expect(changes.at(-1)?.[0]).toBeLessThan(28_000);
  });

  it('leaves a home that is down after 2 s, and returns within seconds once it works', () => {
    const world: World = (index, atMs) => (index === HOME && atMs >= 10_000 && atMs < 40_000 ? 'down' : WORKS);
    const [left, back, ...rest] = simulate(world, 120_000);
    expect(rest).toEqual([]);
    expect(left?.[0]).toBeLessThanOrEqual(12_500);
    expect(back?.[1]).toBe(HOME);
    expect(back?.[0]).toBeLessThanOrEqual(40_500);
  });

  it('changes ever less often while the home flaps', () => {
    const world: World = (index, atMs) => (index === HOME && atMs % 8_000 < 4_000 ? 'down' : WORKS);
    const changes = simulate(world, 600_000);
    expect(changes.filter(([atMs]) => atMs < 60_000).length).toBeGreaterThan(2);
    // At most there and back for each pause of a minute, and the time that the home holds.
    expect(changes.filter(([atMs]) => atMs >= 300_000).length).toBeLessThanOrEqual(10);
  });

  it('is not left after a rest for what had failed before it', () => {
    const route = createRoute(2);
    route.want(0);
    route.want(600_000);
    expect(route.check(600_000, false)).toBe(undefined);
    route.check(601_000, true);
    route.began(601_000);
    route.ended(false, 601_100);
    route.began(900_000);
    expect(route.check(900_500, true)).toBe(undefined);
    expect(route.check(900_000 + SILENT_MS, true)).toBe('nothing acknowledged');
  });

  it('keeps its times when the clock is set', () => {
    const route = createRoute(2);
    route.want(1_000_000);
    expect(route.check(0, false)).toBe('not connected');
    expect([route.isProbeDue(0), route.isProbeDue(RETURN_MS)]).toEqual([false, true]);
  });
});

it('whatever its NATS went through, a region is back on it within two minutes once it works, and before that on what works', () => {
  const state = fc.constantFrom<State>('down', 'refused', WORKS, 3_000, 20_000);
  const phase = fc.record({ seconds: fc.integer({ min: 1, max: 30 }), states: fc.tuple(state, state, state) });
  fc.assert(
    fc.property(fc.array(phase, { maxLength: 15 }), fc.constantFrom(0, 2), (phases, working) => {
      const ends = phases.map(({ seconds }) => seconds);
      const total = ends.reduce((sum, seconds) => sum + seconds, 0) * 1_000;
      const world: World = (index, atMs) => {
        let leftMs = atMs;
        for (const { seconds, states } of phases) {
          if (leftMs < seconds * 1_000) return states[index] ?? 'down';
          leftMs -= seconds * 1_000;
        }
        return index === working ? WORKS : 'down';
      };
      const changes = simulate(world, total + RETURN_MAX_MS + 60_000);
      expect(changes.at(-1)?.[1] ?? HOME).toBe(working);
    }),
  );
});
