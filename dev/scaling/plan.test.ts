import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { PACE } from './measured.ts';
import { type Deployment, limitsOfDefaults, planFor } from './plan.ts';

const SMALL: Deployment = { sessions: 1_000, regions: 1, servers: 4, isolates: 10, replicas: 1, ttlSeconds: 30 };

describe('a plan', () => {
  it('is the defaults for the smallest cluster', () => {
    expect(planFor(SMALL)).toMatchObject({ forwarders: 1, lanes: 4, shards: 1, aggregator: { processes: 1 } });
  });

  it('counts beacons by the pace of the reporter', () => {
    const { fine, trouble } = planFor({ ...SMALL, sessions: 60_000 }).beacons;
    expect([fine, trouble]).toEqual([1_000 * PACE.fine, 1_000 * PACE.trouble]);
  });

  it('costs what is counted by hand', () => {
    // 7,000 beacons a second, a month: 18,144 million requests, of 0.15 ms each, and 25 calls a second of each of ten isolates.
    const { cost } = planFor({ ...SMALL, sessions: 60_000 });
    expect(cost.workersRequests).toBeCloseTo((18_144 - 10) * 0.3);
    expect(cost.workersCpu).toBeCloseTo((18_144 * 0.15 - 30) * 0.02);
    expect(cost.objectRequests).toBeCloseTo((648 - 1) * 0.15);
  });

  it('grows with the sessions in everything', () => {
    const sizes = fc.integer({ min: 1, max: 5_000_000 });
    fc.assert(
      fc.property(sizes, sizes, (one, other) => {
        const [small, large] = [Math.min(one, other), Math.max(one, other)].map((sessions) =>
          planFor({ ...SMALL, sessions, regions: 8 }),
        );
        for (const of of [
          (plan: ReturnType<typeof planFor>) => plan.forwarders,
          (plan: ReturnType<typeof planFor>) => plan.shards,
          (plan: ReturnType<typeof planFor>) => plan.cost.total,
          (plan: ReturnType<typeof planFor>) => plan.nats.bytesPerSecond,
          (plan: ReturnType<typeof planFor>) => plan.aggregator.processes,
        ]) {
          expect(of(large as never)).toBeGreaterThanOrEqual(of(small as never));
        }
      }),
    );
  });

  it('gives every shard as many lanes, and room to double the shards', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 5_000_000 }), (sessions) => {
        const { lanes, shards } = planFor({ ...SMALL, sessions });
        expect(lanes % shards).toBe(0);
        expect(lanes).toBeGreaterThanOrEqual(2 * shards);
      }),
    );
  });

  it('refuses a region that needs more lanes than there can be', () => {
    expect(() => planFor({ ...SMALL, sessions: 50_000_000 })).toThrow('divide the region');
  });
});

it('the chart asks for what a thousand sessions need', () => {
  const { resources } = parse(readFileSync('deploy/helm/edgepulse/values.yaml', 'utf8'));
  const { millicores, megabytes } = planFor(SMALL).aggregator;
  expect(millicores).toBeLessThan(Number.parseInt(resources.requests.cpu, 10));
  for (const { memory } of [resources.requests, resources.limits]) {
    expect(megabytes * 1e6).toBeLessThan(Number.parseInt(memory, 10) * 2 ** 20);
  }
});

it('the limits of the defaults come one after the other, each with what to do', () => {
  const limits = limitsOfDefaults(30);
  expect(limits.map(({ sessions }) => sessions)).toEqual(
    limits.map(({ sessions }) => sessions).toSorted((a, b) => a - b),
  );
  expect(limitsOfDefaults(60).find(({ what }) => what.includes('stream'))?.sessions).toBe(
    (limits.find(({ what }) => what.includes('stream'))?.sessions as number) / 2,
  );
});
