import { describe, expect, it } from 'vitest';
import { covers, type StreamSettings, streamProblems } from './settings.ts';

it.each<[string, string, boolean]>([
  ['health.diagnostics.>', 'health.diagnostics.apac.edge.*', true],
  ['>', 'health.diagnostics.apac.edge.*', true],
  ['health.diagnostics.*.edge.*', 'health.diagnostics.apac.edge.*', true],
  ['health.diagnostics.apac.edge.*', 'health.diagnostics.apac.edge.*', true],
  ['health.diagnostics.apac.edge.>', 'health.diagnostics.apac.edge.f00', true],
  ['health.diagnostics.apac.edge.f00', 'health.diagnostics.apac.edge.*', false],
  ['health.diagnostics.sa.>', 'health.diagnostics.apac.edge.*', false],
  ['health.diagnostics.apac', 'health.diagnostics.apac.edge.*', false],
  ['health.diagnostics.apac.edge.*.x', 'health.diagnostics.apac.edge.*', false],
  ['a.>', 'a', false],
])('%s covers %s: %s', (pattern, filter, expected) => {
  expect(covers(pattern, filter)).toBe(expected);
});

describe('the settings of a stream', () => {
  const needs = { ttlSeconds: 30, regions: ['apac', 'eu-west'] };
  const good: StreamSettings = {
    subjects: ['health.diagnostics.>'],
    max_age: 60e9,
    max_bytes: 1e9,
    duplicate_window: 60e9,
    max_msg_size: -1,
  };

  it('are right as the aggregator makes it', () => {
    expect([...streamProblems(good, needs).keys()]).toStrictEqual([]);
  });

  it.each<[string, object]>([
    ['subjects', { subjects: ['health.diagnostics.apac.>'] }],
    ['subjects', { subjects: undefined }],
    ['max_age', { max_age: 29e9 }],
    ['retention', { retention: 'workqueue' }],
    ['retention', { retention: 'interest' }],
    ['storage', { storage: 'memory' }],
    ['discard', { discard: 'new' }],
    ['no_ack', { no_ack: true }],
    ['sealed', { sealed: true }],
    ['duplicate_window', { duplicate_window: 1e9 }],
    ['max_msg_size', { max_msg_size: 1_000 }],
  ])('are wrong in %s with %o', (problem, settings) => {
    expect([...streamProblems({ ...good, ...settings } as StreamSettings, needs).keys()]).toStrictEqual([problem]);
  });

  it('may lack limits', () => {
    const unlimited = { ...good, max_age: 0, max_bytes: -1, discard: 'new' } as StreamSettings;
    expect([...streamProblems(unlimited, needs).keys()]).toStrictEqual([]);
  });
});
