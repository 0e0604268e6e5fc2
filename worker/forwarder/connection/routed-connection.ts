/**
 * One connection out of several: to the NATS of the Forwarder's own region and to those of its fallback regions. Lanes
 * and counters publish through it without knowing which; `route.ts` chooses.
 */
import { within } from '../../forward/deadline.ts';
import type { Log } from '../../log.ts';
import { type Connection, IDLE_MS, type Outcome, type Publication } from './connection.ts';
import { createRoute, HOME, SILENT_MS } from './route.ts';

export type Candidate = {
  /** The region whose NATS it is. */
  readonly region: string;
  /** @param onUp called whenever the connection has come up */
  readonly connect: (onUp: () => void) => Connection;
};

export type RoutedConnection = Connection & {
  /** The region whose NATS it publishes through. */
  via(): string;
};

export type RoutedConnectionOptions = {
  /** Of the region itself first, then of its fallbacks in order. */
  readonly candidates: readonly [Candidate, ...Candidate[]];
  readonly slot: number;
  /** A message for the region's own NATS, to find out whether it works again; it may be stored any number of times. */
  readonly probe: () => Publication;
  readonly log: Log;
  /** The wall clock, ms since the epoch. */
  readonly now: () => number;
  /** Called when the connection in use has come up, and when another one is in use that is up. */
  onUp(): void;
};

const CHECK_MS = 250;

const GIVEN_UP: Outcome = { kind: 'lost', error: 'given up' };

/** A publish on the current route; those that are under way when it is left are given up. */
type UnderWay = { readonly giveUp: () => void };

export function createRoutedConnection(options: RoutedConnectionOptions): RoutedConnection {
  const { candidates, slot, probe, log, now, onUp } = options;
  const [{ region }] = candidates;
  const route = createRoute(candidates.length);
  const connections = candidates.map(({ connect }, index) => connect(() => cameUp(index)));
  const underWay = new Set<UnderWay>();
  let timer: ReturnType<typeof setTimeout> | undefined;
  let lastUsedMs = Number.NEGATIVE_INFINITY;
  let isProbing = false;
  let leftHomeAtMs: number | undefined;
  /** The fallback that was logged, so that regions which all fail in turn don't fill the log. */
  let loggedVia = region;

  const current = (): Connection => connections[route.current()] as Connection;
  const home = (): Connection => connections[HOME] as Connection;
  const via = (): string => (candidates[route.current()] as Candidate).region;
  const isUp = (): boolean => current().isUp();

  function cameUp(index: number): void {
    if (index === route.current()) onUp();
    check();
  }

  function open(): Promise<void> {
    lastUsedMs = now();
    if (!isUp()) route.want(now());
    check();
    return current().open();
  }

  function publish(publication: Publication): Promise<Outcome> {
    if (publication.isUse !== false) lastUsedMs = now();
    if (!isUp()) return current().publish(publication);
    route.began(now());
    return new Promise((resolve) => {
      const one: UnderWay = { giveUp: () => resolve(GIVEN_UP) };
      underWay.add(one);
      arm();
      void current()
        .publish(publication)
        .then((outcome) => {
          resolve(outcome);
          // Another route is in use, of which this says nothing.
          if (underWay.delete(one)) ended(outcome);
        });
    });
  }

  function ended({ kind }: Outcome): void {
    route.ended(kind === 'too_large' ? undefined : kind === 'stored', now());
    if (kind !== 'stored') return;
    if (route.current() === HOME) homeWorks();
    else if (loggedVia !== via()) log.warn("publishing through another region's NATS", { region, slot, via: via() });
    loggedVia = via();
  }

  function check(): void {
    const reason = route.check(now(), isUp());
    if (reason) {
      if (leftHomeAtMs === undefined)
        log.warn('NATS of the region failed; trying its fallbacks', { region, slot, reason });
      leftHomeAtMs ??= now();
      changed();
    }
    if (route.current() !== HOME && isInUse()) void tryHome();
    arm();
  }

  /** Another route is in use. */
  function changed(): void {
    const givenUp = [...underWay];
    underWay.clear();
    for (const { giveUp } of givenUp) giveUp();
    if (isUp()) onUp();
    else if (isInUse()) void current().open();
  }

  async function tryHome(): Promise<void> {
    void home().open();
    if (isProbing || !home().isUp() || !route.isProbeDue(now())) return;
    isProbing = true;
    const outcome = await within(home().publish({ ...probe(), isUse: false }), SILENT_MS, undefined);
    isProbing = false;
    const before = route.current();
    route.probed(outcome?.kind === 'stored', now());
    if (route.current() === before) return;
    homeWorks();
    changed();
  }

  function homeWorks(): void {
    if (leftHomeAtMs === undefined) return;
    const away = Math.round((now() - leftHomeAtMs) / 1_000);
    log.info("publishing through the region's own NATS again", { region, slot, away_seconds: away });
    leftHomeAtMs = undefined;
    loggedVia = region;
  }

  const isInUse = (): boolean => underWay.size > 0 || now() - lastUsedMs < IDLE_MS;

  /** One timer, while something is in doubt: one for each publish would cost more. */
  function arm(): void {
    const isInDoubt = underWay.size > 0 || route.current() !== HOME || !isUp();
    if (candidates.length === 1 || timer !== undefined || !isInDoubt || !isInUse()) return;
    timer = setTimeout(() => {
      timer = undefined;
      check();
    }, CHECK_MS);
  }

  async function close(): Promise<void> {
    clearTimeout(timer);
    timer = undefined;
    lastUsedMs = Number.NEGATIVE_INFINITY;
    await Promise.all(connections.map((connection) => connection.close()));
  }

  return { isUp, open, publish, maxPayload: () => current().maxPayload(), close, via };
}
