/**
 * The worker: reads its configuration, wires the parts and routes requests. receive.ts handles a beacon's request,
 * forwarder.ts is the Durable Object.
 */
import { env } from 'cloudflare:workers';
import { type Context, Hono } from 'hono';
import { RegExpRouter } from 'hono/router/reg-exp-router';
import { OBJECTIVES } from '../shared/objectives.ts';
import type { RegionInfo } from '../shared/region-info.ts';
import type { Region } from '../shared/regions.ts';
import { serverLabeler } from '../shared/servers.ts';
import { parseConfig } from './config.ts';
import type { CanaryPort, ForwardPort } from './forward/call.ts';
import { createCanarySender } from './forward/canary.ts';
import { createForwarderClient } from './forward/client.ts';
import { createCoalescer } from './forward/coalescer.ts';
import { log } from './log.ts';
import { SECURITY_HEADERS } from './receive/headers.ts';
import { createJwks } from './receive/jwks.ts';
import { createLimits } from './receive/limits.ts';
import { createAnswerFor } from './receive/origins.ts';
import { createPlaceOf } from './receive/place.ts';
import { problemAnswer, problemPage, rejectAnswer } from './receive/problem.ts';
import { createReceiver } from './receive/receive.ts';
import { createVerifier } from './receive/token.ts';

// The runtime finds the Durable Object's class among the main module's exports.
// biome-ignore lint/performance/noBarrelFile: it is no barrel
export { Forwarder } from './forwarder/forwarder.ts';

const now = (): number => Date.now();
// Read while the module loads, so that a worker with a bad configuration never starts.
const config = parseConfig({ ...env });
const { beaconSecret: secret, jwksUrl, lanes, regions } = config;
log.info('started', { topology: config.topology, regions: regions.map(({ name }) => name), lanes });
const answerFor = createAnswerFor(config.allowedOrigins);
const placeOf = createPlaceOf(config.servedRegions, config.devRegionHeader);
/** By name: deriving an id costs a hash, and there are as many as regions times forwarders. */
const forwarderIds = new Map<string, DurableObjectId>();
const { send, rejects } = createForwarderClient({
  find: findForwarder,
  regions,
  forwarders: config.forwarders,
  topology: config.topology,
  now,
  random: () => Math.random(),
  newId: () => crypto.randomUUID(),
  log,
});
const receiver = createReceiver({
  lanes,
  answerFor,
  placeOf,
  verifier: createVerifier({
    secret,
    maxSeconds: config.tokenMaxSeconds,
    revoked: config.revoked,
    jwks: jwksUrl === undefined ? undefined : createJwks({ url: jwksUrl, fetch, now }),
  }),
  limits: createLimits({ session: env.SESSION_LIMIT, address: env.ADDRESS_LIMIT }),
  serverLabel: serverLabeler(config.servers),
  coalesce: createCoalescer({ send, now }),
  rejects,
  now,
});

const sendCanaries = createCanarySender({
  find: findForwarder,
  regions: config.servedRegions,
  forwarders: config.forwarders,
  lanes,
  topology: config.topology,
  secret: config.canarySecret,
  now,
  log,
});

// No middleware: a route with a single handler skips Hono's composition, and each answer is built once.
const app = new Hono<{ Bindings: Env }>({ router: new RegExpRouter() });

app.post('/v1/beacons', (c) => receiver.receive(c.req.raw, waitUntilOf(c)));
app.options('/v1/beacons', (c) => receiver.preflight(c.req.raw, waitUntilOf(c)));

app.get('/v1/region', (c) => {
  const headers = answerFor(c.req.header('origin') ?? null)?.headers;
  if (!headers)
    return rejectAnswer(
      { ok: false, reason: 'origin_forbidden', detail: 'the origin is not allowed' },
      new Headers(SECURITY_HEADERS),
    );
  const { region, rejected } = placeOf(c.req.raw);
  if (rejected) return rejectAnswer(rejected, new Headers(headers));
  const info: RegionInfo = { region: region.name, ttl_seconds: config.ttlSeconds, objectives: OBJECTIVES };
  const answer = Response.json(info, { headers });
  answer.headers.set('cache-control', 'no-store');
  return answer;
});

app.get('/healthz', () => Response.json({ status: 'ok' }, { headers: SECURITY_HEADERS }));

app.get('/problems/:reason', (c) => {
  const page = problemPage(c.req.param('reason'));
  return page === undefined ? c.notFound() : new Response(page, { headers: SECURITY_HEADERS });
});

app.notFound((c) => {
  const allow = app.routes.filter((route) => route.path === c.req.path).map((route) => route.method);
  const headers = new Headers(SECURITY_HEADERS);
  if (allow.length === 0) return problemAnswer({ type: 'not_found', title: 'Nothing is here', status: 404 }, headers);
  headers.set('allow', allow.join(', '));
  return problemAnswer({ type: 'method_not_allowed', title: 'The method is not allowed here', status: 405 }, headers);
});

app.onError((error) => {
  log.error('request failed', { error });
  return problemAnswer(
    { type: 'internal_error', title: 'The worker failed', status: 500 },
    new Headers(SECURITY_HEADERS),
  );
});

function findForwarder(name: string, hint: Region['hint']): ForwardPort & CanaryPort {
  let id = forwarderIds.get(name);
  if (!id) {
    id = env.FORWARDER.idFromName(name);
    forwarderIds.set(name, id);
  }
  return env.FORWARDER.get(id, hint ? { locationHint: hint } : {});
}

function waitUntilOf(c: Context): (work: Promise<unknown>) => void {
  return (work) => c.executionCtx.waitUntil(work);
}

export default {
  fetch: app.fetch,
  /** Once a minute, by `crons` of wrangler.toml. */
  scheduled: () => sendCanaries(),
} satisfies ExportedHandler<Env>;
