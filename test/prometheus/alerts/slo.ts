/** The alerts on the error budget. */
import { type AlertCase, REGION, rising, SERVER, type Series, series, WELL } from './case.ts';

/** @param bad share of the samples over the objective, by step */
function samples(perStep: number, bad: (step: number) => number, people: number): Series[] {
  const good = (step: number) => {
    let sum = 0;
    for (let i = 0; i < step; i++) sum += perStep * (1 - bad(i));
    return Math.round(sum);
  };
  return [
    ...WELL,
    series('edgepulse_sessions', SERVER, people),
    series('edgepulse_meetings', REGION, 10),
    series('edgepulse_rtt_seconds_count', SERVER, rising(perStep)),
    series('edgepulse_rtt_seconds_bucket', { ...SERVER, le: '0.25' }, good),
  ];
}

export const SLO_CASES: readonly AlertCase[] = [
  {
    alert: 'EdgepulseRttBudgetBurnsFast',
    fires: {
      series: samples(600, () => 0.2, 84),
      at: 60,
      labels: REGION,
      summary:
        "20% of the RTT samples in apac are over 250 ms; at this rate the month's budget of 1 % is gone within days. Find on the RTT dashboard since when and on which servers.",
    },
    // It was so for the first half of the hour, and is over.
    quiet: samples(600, (step) => (step < 30 ? 0.2 : 0), 84),
    everySeconds: 60,
    reads: ['calls'],
  },
  {
    alert: 'EdgepulseRttBudgetBurnsSlowly',
    fires: {
      series: samples(600, () => 0.02, 400),
      at: 420,
      labels: REGION,
      summary:
        '2% of the RTT samples of three days in apac are over 250 ms, where the objective is 99 % within it: the month will miss it. Plan capacity or another route for the region.',
    },
    // The same share of few people is one of them.
    quiet: samples(600, () => 0.02, 84),
    everySeconds: 60,
    reads: ['calls'],
    evaluatedEverySeconds: 600,
  },
];
