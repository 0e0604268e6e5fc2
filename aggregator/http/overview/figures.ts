/** The figures of a crowd, as the overview has them. */
import { objectiveOf } from '../../../shared/objectives.ts';
import type { Distribution } from '../../live/distribution.ts';
import { MEASURES, type Measure, quantilesOf } from '../../live/measures.ts';
import type { LiveFigures, MeasureFigures } from '../answers.ts';
import type { Crowd } from './crowd.ts';

/** @param whole what the crowd is a part of, to compare it with the rest */
export function figuresOf({ sessions, quiet, peers, impairment, live }: Crowd, whole?: Crowd): LiveFigures {
  const measures = MEASURES.map((measure, m) => [measure.name, measureFigures(measure, live[m], whole?.live[m])]);
  return {
    sessions,
    quiet_sessions: quiet,
    peer_connections: peers,
    impaired_sessions: impairment.sessions,
    impaired_streams: impairment.streams,
    silent_streams: impairment.silent,
    measures: Object.fromEntries(measures),
  };
}

function measureFigures(measure: Measure, own: Distribution | undefined, whole: Distribution | undefined) {
  const objective = objectiveOf(measure.name);
  const asked = quantilesOf(measure);
  const { count, cumulative, quantiles } = own ? own.summarize(asked) : NOBODY;
  const shown = SHOWN.flatMap(({ name, quantile }) => {
    const value = quantiles[asked.indexOf(quantile)];
    return value === undefined ? [] : [[name, value] as const];
  });
  const over = (bound: number) => count - (cumulative[measure.bounds.indexOf(bound)] ?? 0);
  const figures: MeasureFigures = {
    count,
    ...Object.fromEntries(shown),
    ...(objective ? { over_warn: over(objective.warn), over_bad: over(objective.bad) } : {}),
  };
  const elsewhere = objective && whole && p95Without(whole, own);
  return elsewhere === undefined ? figures : { ...figures, p95_elsewhere: elsewhere };
}

/** A measure has those of them that {@link quantilesOf} has. */
const SHOWN = [
  { name: 'p05', quantile: 0.05 },
  { name: 'p50', quantile: 0.5 },
  { name: 'p95', quantile: 0.95 },
  { name: 'p99', quantile: 0.99 },
] as const satisfies readonly { readonly name: keyof MeasureFigures; readonly quantile: number }[];

const NOBODY = { count: 0, cumulative: [], quantiles: [] } as const;

/** p95 of those in `whole` that are not in `part`; undefined when there are none. */
function p95Without(whole: Distribution, part: Distribution | undefined): number | undefined {
  if (part) whole.exclude(part);
  const [p95] = whole.summarize([0.95]).quantiles;
  if (part) whole.include(part);
  return p95;
}
