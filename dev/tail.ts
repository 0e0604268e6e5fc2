/**
 * Prints what travels on NATS as JSON for people, a line a message: `npm run -s tail -- SUBJECT`, for example
 * `'health.diagnostics.apac.>'`. Connects with NATS_URL and NATS_CREDS, and ends with Ctrl-C.
 */
import { readFileSync } from 'node:fs';
import { connect, credsAuthenticator, type NatsConnection } from 'nats';
import { decodeBatch } from '../shared/batch.ts';
import { decodeForwarderCounters } from '../shared/forwarder-counters.ts';
import { parseEdgeSubject, parseForwarderSubject } from '../shared/subjects.ts';

const USAGE = "usage: npm run -s tail -- SUBJECT, for example 'health.diagnostics.apac.>'";

/** A message as one line of JSON. What can't be decoded says why instead. */
export function lineOf(subject: string, data: Uint8Array, timeMs: number): string {
  return JSON.stringify({ time: new Date(timeMs).toISOString(), subject, ...contentOf(subject, data) });
}

function contentOf(subject: string, data: Uint8Array): object {
  if (parseEdgeSubject(subject)) {
    const batch = decodeBatch(data);
    return batch.ok ? { batch: batch.value } : { error: `not a Batch: ${batch.detail}`, bytes: data.length };
  }
  if (parseForwarderSubject(subject)) {
    const counters = decodeForwarderCounters(data);
    if (counters.ok) return { counters: counters.value };
    return { error: `not a ForwarderCounters: ${counters.detail}`, bytes: data.length };
  }
  return { error: 'neither a lane nor a Forwarder publishes on this subject', bytes: data.length };
}

async function open(url: string): Promise<NatsConnection> {
  const creds = process.env.NATS_CREDS;
  try {
    return await connect({
      servers: url.split(',').map((server) => server.trim()),
      timeout: 5_000,
      maxReconnectAttempts: -1,
      noAsyncTraces: true,
      ...(creds && { authenticator: credsAuthenticator(readFileSync(creds)) }),
    });
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : cause;
    throw new Error(`cannot connect to NATS at ${url} (${reason}); check NATS_URL and NATS_CREDS`, { cause });
  }
}

async function main([subject]: readonly string[]): Promise<void> {
  const url = process.env.NATS_URL;
  if (!subject) throw new Error(USAGE);
  if (!url) throw new Error('NATS_URL is not set: NATS_URL=nats://127.0.0.1:4222 npm run -s tail -- SUBJECT');
  const connection = await open(url);
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => void connection.close());
  // The reader of a pipe may leave first: `npm run -s tail -- ... | head`.
  process.stdout.on('error', () => void connection.close());
  const subscription = connection.subscribe(subject);
  await connection.flush();
  // On stderr, so that the lines of stdout are messages alone.
  console.error(`listening on ${subject}; Ctrl-C to stop`);
  for await (const message of subscription) console.log(lineOf(message.subject, message.data, Date.now()));
  const error = await connection.closed();
  if (error) throw error;
}

if (import.meta.main) {
  try {
    await main(process.argv.slice(2));
  } catch (error) {
    console.error(error instanceof Error ? error.message : error);
    process.exitCode = 1;
  }
}
