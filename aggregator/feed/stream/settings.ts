/** What about the settings of a stream HEALTH that somebody else made loses beacons or hides them from us. Pure. */
import type { StreamConfig } from 'nats';
import { edgeSubject } from '../../../shared/subjects.ts';

export const STREAM_PROBLEMS = [
  'subjects',
  'max_age',
  'retention',
  'storage',
  'discard',
  'no_ack',
  'sealed',
  'duplicate_window',
  'max_msg_size',
] as const;

/** The setting of the stream that is wrong. */
export type StreamProblem = (typeof STREAM_PROBLEMS)[number];

export type StreamNeeds = { readonly ttlSeconds: number; readonly regions: readonly string[] };

/** As STREAM.INFO answers it: times are in nanoseconds. */
export type StreamSettings = Pick<StreamConfig, 'max_age'> &
  Partial<
    Pick<
      StreamConfig,
      'subjects' | 'retention' | 'storage' | 'discard' | 'no_ack' | 'sealed' | 'duplicate_window' | 'max_msg_size'
    >
  > & { readonly max_bytes?: number; readonly max_msgs?: number };

/** A Forwarder waits this long for an acknowledgement, and then publishes again. */
const RETRY_SECONDS = 30;
/** A beacon at its largest, and the header of its batch. */
const MESSAGE_BYTES = 65_536;
const NS_PER_SECOND = 1e9;

/** One line for each problem, by the setting that it is about. */
export function streamProblems(settings: StreamSettings, needs: StreamNeeds): ReadonlyMap<StreamProblem, string> {
  const missing = needs.regions.filter((region) => !coversRegion(settings.subjects, region));
  const { max_age, max_msg_size = -1, duplicate_window = Number.POSITIVE_INFINITY } = settings;
  const problems: readonly (readonly [StreamProblem, boolean, string])[] = [
    ['subjects', missing.length > 0, `subjects do not cover ${missing.join(', ')}, so their beacons are not stored`],
    [
      'max_age',
      max_age > 0 && max_age < needs.ttlSeconds * NS_PER_SECOND,
      'max_age is shorter than SESSION_TTL_SECONDS, so a restart loses living sessions',
    ],
    [
      'retention',
      (settings.retention ?? 'limits') !== 'limits',
      `retention is ${settings.retention} and must be limits, since several readers read each message`,
    ],
    [
      'storage',
      settings.storage === 'memory',
      'storage is memory, so a restart of nats-server loses what it acknowledged',
    ],
    [
      'discard',
      settings.discard === 'new' && ((settings.max_bytes ?? -1) > 0 || (settings.max_msgs ?? -1) > 0),
      'discard is new and must be old: when the stream is full, it takes no beacon',
    ],
    ['no_ack', settings.no_ack === true, 'no_ack is on, so nothing is acknowledged and the edge spools everything'],
    ['sealed', settings.sealed === true, 'it is sealed, so it takes no message'],
    [
      'duplicate_window',
      duplicate_window < RETRY_SECONDS * NS_PER_SECOND,
      `duplicate_window is shorter than ${RETRY_SECONDS} s, so a publish that is tried again may be stored twice`,
    ],
    [
      'max_msg_size',
      max_msg_size > 0 && max_msg_size < MESSAGE_BYTES,
      `max_msg_size is below ${MESSAGE_BYTES}, so large beacons are dropped`,
    ],
  ];
  return new Map(problems.flatMap(([problem, isSo, line]) => (isSo ? [[problem, line] as const] : [])));
}

function coversRegion(subjects: readonly string[] = [], region: string): boolean {
  return subjects.some((pattern) => covers(pattern, edgeSubject(region, '*')));
}

/** Whether every subject that `filter` can match is matched by `pattern` too. */
export function covers(pattern: string, filter: string): boolean {
  const want = filter.split('.');
  const tokens = pattern.split('.');
  for (const [i, token] of tokens.entries()) {
    if (token === '>') return want.length > i;
    if (want[i] === undefined || want[i] === '>') return false;
    if (token !== '*' && token !== want[i]) return false;
  }
  return tokens.length === want.length;
}
