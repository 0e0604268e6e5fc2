/** Compares the text of an exposition with the expected samples, one by one, in both directions. */
import { parseMetrics } from '../support/metrics/exposition-text.ts';
import { parseScrape } from '../support/metrics/scrape.ts';
import { type Expectation, type Expected, sampleKey } from './model/sample-sheet.ts';

export type Comparison = { readonly lines: number; readonly differences: readonly string[] };

export type Comparer = {
  /** @throws SyntaxError when the text is not in format 0.0.4 */
  compare(text: string, expected: Expected): Comparison;
};

/** Families that the model does not know yet. */
const UNKNOWN_TO_MODEL = [
  'edgepulse_omitted_peer_connections',
  'edgepulse_canar',
  'edgepulse_feed_errors_total',
  'edgepulse_stream_misconfigured',
  'edgepulse_ended_sessions',
  'edgepulse_impaired_sessions',
  'edgepulse_impaired_streams',
  'edgepulse_silent_streams',
  'edgepulse_live_uplink_packet_loss',
  'edgepulse_sessions_by_',
  'edgepulse_video_senders',
  'edgepulse_join',
  'edgepulse_first_media_seconds',
  'edgepulse_connection_failures_total',
  'edgepulse_ice_restarts_total',
];

/** Only every so many texts is parsed completely, which takes several times as long; the others are read line by line. */
const READ_WHOLE_EVERY = 10;

export function createComparer(): Comparer {
  /** The key of every sample read so far, by its line up to the value. */
  const keys = new Map<string, string>();
  let texts = 0;

  function keyOf(line: string, head: string): string {
    let key = keys.get(head);
    if (key === undefined) {
      const [sample] = parseMetrics(line);
      if (!sample) throw new SyntaxError(`not a sample: ${line}`);
      key = sampleKey(sample.name, sample.labels);
      keys.set(head, key);
    }
    return key;
  }

  function samplesOf(text: string): Map<string, number> {
    if (texts++ % READ_WHOLE_EVERY === 0) parseScrape(text);
    const samples = new Map<string, number>();
    for (const line of text.split('\n')) {
      if (line === '' || line.startsWith('#')) continue;
      const head = line.slice(0, line.lastIndexOf(' '));
      const key = keyOf(line, head);
      if (samples.has(key)) throw new SyntaxError(`duplicate sample: ${line}`);
      samples.set(key, Number(line.slice(head.length + 1)));
    }
    return samples;
  }

  return {
    compare(text, expected) {
      const actual = samplesOf(text);
      const differences: string[] = [];
      for (const [key, expectation] of expected) {
        const value = actual.get(key);
        if (value === undefined ? !expectation.isOptional : !isWithin(value, expectation))
          differences.push(`${key}: ${value ?? 'absent'} instead of ${expectation.values.join(' or ')}`);
      }
      for (const [key, value] of actual)
        if (!expected.has(key) && !isUnknownToModel(key, value)) differences.push(`${key}: ${value} instead of absent`);
      return { lines: actual.size, differences };
    },
  };
}

function isWithin(value: number, { values, slack }: Expectation): boolean {
  return values.some((expected) => Math.abs(value - expected) <= slack);
}

function isUnknownToModel(key: string, value: number): boolean {
  // A field that is checked, but that the simulated clients don't send.
  if (value === 0 && key.startsWith('edgepulse_implausible_total')) return true;
  return UNKNOWN_TO_MODEL.some((family) => key.startsWith(family));
}
