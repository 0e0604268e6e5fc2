/** The families of impairment: which sessions are impaired and why, whose fault their bad streams are, and who can't be heard. */
import { SIDES } from '../attribution/side.ts';
import { SILENCE_CAUSES } from '../attribution/silence.ts';
import { IMPAIRMENT_CAUSES } from '../store/diagnosis.ts';
import { ANY_CAUSE, type Impairment } from '../store/impaired.ts';
import { CELL_LABELS, type Family, type ImpairmentSeries } from './family.ts';

export const IMPAIRMENT_FAMILIES: readonly Family[] = [
  {
    ...described('impaired_sessions', 'sessions'),
    help: 'Living sessions past an objective (over bad), each once per cause: its own RTT; audio, video or silence of at least one peer that it receives; any of them.',
    labels: [...CELL_LABELS, 'cause'],
    series: series(
      'cause',
      [ANY_CAUSE, ...IMPAIRMENT_CAUSES],
      (cause) =>
        ({ sessions }) =>
          sessions[cause],
    ),
  },
  {
    ...described('impaired_streams', 'streams'),
    help: "Received streams past an objective, by whose fault it is, in the receiver's cell; docs/attribution.md has the rule.",
    labels: [...CELL_LABELS, 'side'],
    series: series(
      'side',
      SIDES,
      (side) =>
        ({ streams }) =>
          streams[side],
    ),
  },
  {
    ...described('silent_streams', 'streams'),
    help: "Received audio streams whose sender reports sending, but of which for two beacons no packets arrived, or packets without any energy although the sender's source had some.",
    labels: [...CELL_LABELS, 'cause'],
    series: series(
      'cause',
      SILENCE_CAUSES,
      (cause) =>
        ({ silent }) =>
          silent[cause],
    ),
  },
];

function described(name: string, unit: string) {
  return { name: `edgepulse_${name}`, type: 'gauge', unit, collect: 'population', of: 'impairment' } as const;
}

function series<Value extends string>(
  label: string,
  values: readonly Value[],
  of: (value: Value) => (impairment: Impairment) => number,
): ImpairmentSeries[] {
  return values.map((value) => ({ labels: { [label]: value }, value: of(value) }));
}
