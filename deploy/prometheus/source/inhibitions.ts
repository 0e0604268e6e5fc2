/** Which alert silences which: what can't be known is not claimed, and the cause silences its consequences. */
import { ALERTS } from './groups.ts';

export type Inhibition = {
  readonly because: string;
  readonly sources: readonly string[];
  readonly targets: readonly string[];
  /** Labels that both alerts must have the same value of. */
  readonly equal: readonly string[];
};

const names = ALERTS.map(({ alert }) => alert);
const needFeed = ALERTS.flatMap(({ alert, needsFeed }) => (needsFeed ? [alert] : []));

export const INHIBITIONS: readonly Inhibition[] = [
  {
    because: 'No aggregator is scraped: nothing else is known.',
    sources: ['EdgepulseAbsent'],
    targets: names.filter((name) => name !== 'EdgepulseAbsent'),
    equal: [],
  },
  {
    because: 'What is said of a region whose feed is down is old.',
    sources: ['EdgepulseFeedDown', 'EdgepulseRegionUnobserved'],
    targets: [...needFeed, 'EdgepulseFeedLagging', 'EdgepulseReplicaFeedDown'],
    equal: ['region'],
  },
  {
    because: 'The lanes of a shard that is not scraped are read by nobody.',
    sources: ['EdgepulseRegionUnobserved'],
    targets: ['EdgepulseShardsMismatch'],
    equal: ['region'],
  },
  {
    because: "Until a region's incident is over for good, it is not one of its servers.",
    sources: ['EdgepulseRttHigh', 'EdgepulseAudioBad', 'EdgepulseVideoBad', 'EdgepulseSilence'],
    targets: ['EdgepulseServerBad'],
    equal: ['region', 'cause'],
  },
  {
    because: 'While the incident lasts, that it uses up the budget is no news.',
    sources: ['EdgepulseRttHigh'],
    targets: ['EdgepulseRttBudgetBurnsFast', 'EdgepulseRttBudgetBurnsSlowly'],
    equal: ['region'],
  },
  {
    because: 'A budget that burns fast burns slowly too.',
    sources: ['EdgepulseRttBudgetBurnsFast'],
    targets: ['EdgepulseRttBudgetBurnsSlowly'],
    equal: ['region'],
  },
  {
    because: 'When the whole edge of a region is silent, its population falls and its beacons are lost.',
    sources: ['EdgepulseEdgeSilent'],
    targets: ['EdgepulsePopulationFell', 'EdgepulseBeaconsLost', 'EdgepulseCanaryMissing', 'EdgepulseCanaryOverdue'],
    equal: ['region'],
  },
  {
    because: 'Where nothing at all arrives, that canaries are overdue is no news.',
    sources: ['EdgepulseCanaryMissing'],
    targets: ['EdgepulseCanaryOverdue'],
    equal: ['region'],
  },
];
