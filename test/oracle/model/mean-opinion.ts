/** The E-model of ITU-T G.107, with the parameters Ta (the delay), Ppl (the loss), Ie 0, Bpl 25.1, BurstR 1. */

/** @param delaySeconds one way @param loss a ratio */
export function meanOpinion(delaySeconds: number, loss: number): number {
  const percent = 100 * loss;
  const lossImpairment = (95 * percent) / (percent + 25.1);
  const rating = 93.2 - delayImpairment(1000 * delaySeconds) - lossImpairment;
  // Annex B; where its cubic dips below 1, it is 1.
  return rating <= 0 ? 1 : Math.max(1, 1 + 0.035 * rating + rating * (rating - 60) * (100 - rating) * 7e-6);
}

/** Idd of clause 7.4. */
function delayImpairment(ms: number): number {
  if (ms <= 100) return 0;
  const x = Math.log(ms / 100) / Math.log(2);
  return 25 * ((1 + x ** 6) ** (1 / 6) - 3 * (1 + (x / 3) ** 6) ** (1 / 6) + 2);
}
