import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { measureAttribution } from './report.ts';

const measured = measureAttribution();

it('is right in at least 95 of 100 bad streams with three receivers and more, and wrongs a healthy side in at most one', () => {
  expect(measured.right).toBeGreaterThanOrEqual(0.95);
  expect(measured.wronged).toBeLessThanOrEqual(0.01);
});

it('is what docs/attribution.md says ("npm run attribution-doc" writes it)', () => {
  const doc = readFileSync(new URL('../../docs/attribution.md', import.meta.url), 'utf8');
  expect(doc).toContain(measured.tables);
});
