import { expect, it } from 'vitest';
import { covers } from './stream.ts';

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
