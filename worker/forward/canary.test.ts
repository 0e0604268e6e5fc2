import { expect, it } from 'vitest';
import { canarySignature, NOW_MS, regions, SECRET } from '../testing.ts';
import type { CanaryCall } from './call.ts';
import { createCanarySender } from './canary.ts';

function setUp(options: { secret?: string; forwarders?: number; failing?: string; nowMs?: () => number } = {}) {
  const calls: { name: string; hint: string | undefined; call: CanaryCall }[] = [];
  const warnings: unknown[] = [];
  const send = createCanarySender({
    find: (name, hint) => ({
      canary(call) {
        if (name === options.failing) return Promise.reject(new Error('away'));
        calls.push({ name, hint, call });
        return Promise.resolve({ missing: name === 'eu-west:0' ? [] : ['f01'] });
      },
    }),
    regions,
    forwarders: options.forwarders ?? 1,
    lanes: 2,
    topology: 'topology-1',
    secret: options.secret,
    now: options.nowMs ?? (() => NOW_MS),
    log: { info() {}, warn: (message, fields) => warnings.push([message, fields]), error() {} },
  });
  return { send, calls, warnings };
}

it('signs one for each lane of each region, near which its Forwarder is', async () => {
  const { send, calls } = setUp({ secret: SECRET });
  await send();
  expect(calls.map(({ name, hint, call }) => [name, hint, call.sentAtMs, call.topology])).toEqual([
    ['eu-west:0', 'weur', NOW_MS, 'topology-1'],
    ['apac:0', 'apac', NOW_MS, 'topology-1'],
  ]);
  for (const { name, call } of calls) {
    const region = name.slice(0, -2);
    for (const [lane, signature] of call.signatures.entries()) {
      expect(signature).toBe(canarySignature({ region, lane: `f0${lane}`, sentAtMs: NOW_MS }));
    }
  }
});

it('leaves them unsigned where there is no secret', async () => {
  const { send, calls } = setUp();
  await send();
  expect(calls.map(({ call }) => call.signatures)).toEqual([
    ['', ''],
    ['', ''],
  ]);
});

it('takes another Forwarder each minute', async () => {
  let nowMs = 0;
  const { send, calls } = setUp({ forwarders: 3, nowMs: () => nowMs });
  for (let minute = 0; minute < 4; minute++) {
    nowMs = minute * 60_000 + 500;
    await send();
  }
  expect(calls.flatMap(({ name }) => (name.startsWith('apac') ? name : []))).toEqual([
    'apac:0',
    'apac:1',
    'apac:2',
    'apac:0',
  ]);
});

it('logs what did not get through, and goes on with the other regions', async () => {
  const { send, calls, warnings } = setUp({ failing: 'eu-west:0' });
  await send();
  expect(calls.map(({ name }) => name)).toEqual(['apac:0']);
  expect(warnings).toEqual([
    ['canary not taken by its forwarder', { region: 'eu-west', slot: 0, error: new Error('away') }],
    ['canary not acknowledged by NATS', { region: 'apac', slot: 0, lanes: ['f01'] }],
  ]);
});
