/** What is wrong with NATS has a name, the same on both sides: in one line of the log, and in the aggregator's metrics. */
import { writeFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { RetentionPolicy, StorageType } from 'nats';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { createAuthority } from '../../deploy/nats/source/authority.ts';
import { STREAM, STREAM_SUBJECTS } from '../../shared/subjects.ts';
import { validBeacon } from '../support/edge/beacon.ts';
import { eventually } from '../support/poll.ts';
import { type AggregatorProcess, startAggregator } from '../support/processes/aggregator.ts';
import { createNatsAccounts } from '../support/processes/nats-accounts.ts';
import { connectTo, type NatsRegions, startNatsRegions } from '../support/processes/nats-regions.ts';
import { type NatsServer, startNatsServer } from '../support/processes/nats-server.ts';
import { postBeacon } from '../support/processes/system.ts';
import { startWorker, type WorkerOptions, type WorkerProcess } from '../support/processes/worker.ts';

const endings: (() => Promise<unknown>)[] = [];
const accounts = createNatsAccounts();
const stranger = createAuthority('somebody else');
let nats: NatsRegions;
let operated: NatsServer;
let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'edgepulse-faults-'));
  [nats, operated] = await Promise.all([
    startNatsRegions({ regions: ['apac', 'eu-west'], hub: false, tls: true }),
    startNatsServer({ config: accounts.config }),
  ]);
});

afterEach(async () => {
  for (const end of endings.splice(0).reverse()) await end();
});

afterAll(async () => {
  await nats?.stop();
  await operated?.stop();
  await rm(folder, { recursive: true, force: true });
});

async function aggregator(
  natsUrl: string,
  env: Record<string, string>,
  untilReady = false,
): Promise<AggregatorProcess> {
  const started = await startAggregator({ natsUrl, untilReady, env: { REGION: 'apac', ...env } });
  endings.push(() => started.kill());
  return started;
}

/** The worker with a beacon for apac, which it accepts whatever is wrong behind it. */
async function edge(options: WorkerOptions): Promise<WorkerProcess> {
  const worker = await startWorker(options);
  endings.push(() => worker.stop());
  expect((await postBeacon(worker, validBeacon(), { region: 'apac' })).status).toBe(204);
  return worker;
}

async function fileOf(name: string, text: string): Promise<string> {
  const path = join(folder, name);
  writeFileSync(path, text);
  return path;
}

/** Waits for the line, which names the fault and what to do, and for the metric. */
async function expectFault(of: AggregatorProcess, message: string, fault: string): Promise<string> {
  const line = await eventually(() => lineOf(of.log(), message, fault));
  await eventually(async () => (await of.metrics()).sum('edgepulse_feed_errors_total', { fault }) > 0);
  return line;
}

function lineOf(log: string, message: string, fault: string): string | undefined {
  return log
    .split('\n')
    .find((line) => line.includes(message) && line.includes(`"fault":"${fault}"`) && line.includes('"hint":'));
}

describe('a private CA', () => {
  it('is trusted by both sides when they know it', async () => {
    const { aggregatorUrl, edgeUrl } = nats.region('apac');
    await aggregator(aggregatorUrl, { NATS_CA: nats.caFile ?? '' }, true);
    const trustedCertificates = [nats.authority?.certificate.cert ?? ''];
    const worker = await edge({ natsUrl: edgeUrl, trustedCertificates });
    await eventually(() => worker.log().includes('connected to NATS'));
    expect(worker.log()).not.toContain('publish to NATS failed');
  });

  it('that is the wrong one is named by the aggregator', async () => {
    const NATS_CA = await fileOf('stranger.pem', stranger.certificate.cert);
    const started = await aggregator(nats.region('apac').aggregatorUrl, { NATS_CA });
    const line = await expectFault(started, 'cannot connect to NATS', 'certificate');
    expect(line).toMatch(/"code":"(UNABLE_TO_VERIFY_LEAF_SIGNATURE|SELF_SIGNED_CERT_IN_CHAIN)"/);
    expect(line).toContain('NATS_CA');
  });

  it('that is the wrong one is named by the edge', async () => {
    const trustedCertificates = [stranger.certificate.cert];
    const worker = await edge({ natsUrl: nats.region('apac').edgeUrl, trustedCertificates });
    const line = await eventually(() => lineOf(worker.log(), 'cannot connect to NATS', 'certificate'));
    expect(line).toContain('"error":"TLS"');
  });
});

describe('credentials that have expired', () => {
  const permissions = { pub: { allow: ['>'] }, sub: { allow: ['>'] } };

  it('are named by the aggregator, when it connects', async () => {
    const NATS_CREDS = await fileOf('old.creds', accounts.createCreds(permissions, Date.now() - 60_000));
    const started = await aggregator(operated.url, { NATS_CREDS });
    await expectFault(started, 'cannot connect to NATS', 'expired_credentials');
  });

  it('are named by the aggregator, when they expire under it, and new ones are taken without a restart', async () => {
    const NATS_CREDS = await fileOf('short.creds', accounts.createCreds(permissions, Date.now() + 4_000));
    const started = await aggregator(operated.url, { NATS_CREDS }, true);
    await expectFault(started, 'NATS reported an error', 'expired_credentials');
    await eventually(async () => (await started.ready()) === 503);
    await fileOf('short.creds', accounts.createCreds(permissions));
    await eventually(async () => (await started.ready()) === 200, { deadlineMs: 20_000 });
  });

  it('are named by the edge', async () => {
    const NATS_CREDS_APAC = accounts.createCreds(permissions, Date.now() - 60_000);
    const worker = await edge({ natsUrl: operated.url, vars: { NATS_CREDS_APAC } });
    await eventually(() => lineOf(worker.log(), 'cannot connect to NATS', 'expired_credentials'));
  });
});

describe('a user with too few permissions', () => {
  it('is named by the aggregator, with the subject', async () => {
    const NATS_CA = nats.caFile ?? '';
    const started = await aggregator(nats.region('apac').urlOf('aggregator-eu-west'), { NATS_CA });
    const line = await expectFault(started, 'NATS denied a permission', 'permission');
    expect(line).toMatch(/"operation":"publish","subject":"\$JS.API.CONSUMER.CREATE.HEALTH.[^"]*apac/);
  });

  it.each([
    ['publish', { pub: { allow: ['other'] }, sub: { allow: ['>'] } }],
    ['subscription', { pub: { allow: ['health.>'] }, sub: { allow: ['other'] } }],
  ])('is named by the edge, with the subject: %s', async (operation, allowed) => {
    const worker = await edge({ natsUrl: operated.url, vars: { NATS_CREDS_APAC: accounts.createCreds(allowed) } });
    const line = await eventually(() => lineOf(worker.log(), 'NATS denied a permission', 'permission'));
    expect(line).toContain(`"operation":"${operation}"`);
    expect(line).toMatch(/"subject":"(health.diagnostics.apac|_INBOX.edge.apac)/);
  });
});

describe('a stream HEALTH that somebody made with other settings', () => {
  it('is named by both sides, setting by setting', async () => {
    const region = nats.region('eu-west');
    const operator = await connectTo(region.operatorUrl, nats.authority);
    endings.push(() => operator.close());
    const { streams } = await operator.jetstreamManager();
    await streams.delete(STREAM);
    await streams.add({
      name: STREAM,
      subjects: ['health.diagnostics.eu-west.>'],
      retention: RetentionPolicy.Interest,
      storage: StorageType.Memory,
      max_age: 1e9,
    });
    const started = await aggregator(region.operatorUrl, { NATS_CA: nats.caFile ?? '' });
    const wrong = ['subjects', 'retention', 'storage', 'max_age', 'duplicate_window'];
    await eventually(async () => {
      const metrics = await started.metrics();
      return wrong.every((setting) => metrics.sum('edgepulse_stream_misconfigured', { setting }) === 1);
    });
    expect((await started.metrics()).sum('edgepulse_stream_misconfigured')).toBe(wrong.length);
    const line = started
      .log()
      .split('\n')
      .find((text) => text.includes('stream is misconfigured'));
    expect(line).toMatch(/subjects do not cover apac.*max_age is shorter.*retention is interest.*storage is memory/);
    const worker = await edge({
      natsUrl: region.operatorUrl,
      trustedCertificates: [nats.authority?.certificate.cert ?? ''],
    });
    await eventually(() => lineOf(worker.log(), 'publish to NATS failed', 'stream'));
    await streams.delete(STREAM);
    await streams.add({ name: STREAM, subjects: [STREAM_SUBJECTS] });
  });
});
