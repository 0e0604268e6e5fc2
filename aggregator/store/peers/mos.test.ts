import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { MOS_MAX, meanOpinionScore } from './mos.ts';

/** Even over the range, too: doubles of fast-check are mostly tiny. */
const delay = fc.oneof(
  fc.nat(1_500).map((ms) => ms / 1_000),
  fc.double({ min: 0, max: 100, noNaN: true }),
);
const loss = fc.oneof(
  fc.nat(1_000).map((thousandths) => thousandths / 1_000),
  fc.double({ min: 0, max: 1, noNaN: true }),
);

describe('MOS by the E-model of G.107', () => {
  it.each([
    // R is 93.2 - Idd - Ie,eff, worked out by hand from the Recommendation.
    { delaySeconds: 0, lossRatio: 0, r: 93.2, mos: 4.409 },
    { delaySeconds: 0.1, lossRatio: 0, r: 93.2, mos: 4.409 },
    { delaySeconds: 0.2, lossRatio: 0, r: 90.156, mos: 4.343 },
    { delaySeconds: 0.4, lossRatio: 0, r: 69.13, mos: 3.556 },
    { delaySeconds: 0.05, lossRatio: 0.02, r: 86.189, mos: 4.235 },
    { delaySeconds: 0.05, lossRatio: 0.1, r: 66.135, mos: 3.411 },
    { delaySeconds: 0.4, lossRatio: 0.1, r: 42.066, mos: 2.166 },
    { delaySeconds: 0.4, lossRatio: 1, r: -6.81, mos: 1 },
    // Where the cubic of Annex B is below 1.
    { delaySeconds: 0.4, lossRatio: 0.58, r: 2.82, mos: 1 },
  ])('is $mos with $delaySeconds s and a loss of $lossRatio', ({ mos, ...hearing }) => {
    expect(meanOpinionScore(hearing)).toBeCloseTo(mos, 3);
  });

  it('only falls in delay and in loss, and stays on the scale', () => {
    fc.assert(
      fc.property(delay, delay, loss, loss, (d1, d2, l1, l2) => {
        const better = meanOpinionScore({ delaySeconds: Math.min(d1, d2), lossRatio: Math.min(l1, l2) });
        const worse = meanOpinionScore({ delaySeconds: Math.max(d1, d2), lossRatio: Math.max(l1, l2) });
        // Rounding of the roots: far less than the millionth that values are kept to.
        expect(worse).toBeLessThanOrEqual(better + 1e-9);
        expect(worse).toBeGreaterThanOrEqual(1);
        expect(better).toBeLessThanOrEqual(MOS_MAX + 1e-9);
      }),
      { numRuns: 2_000 },
    );
  });

  it.each([
    { delaySeconds: Number.NaN, lossRatio: 0 },
    { delaySeconds: 0, lossRatio: Number.NaN },
  ])('is unknown when $delaySeconds s or a loss of $lossRatio is', (hearing) => {
    expect(meanOpinionScore(hearing)).toBeNaN();
  });
});
