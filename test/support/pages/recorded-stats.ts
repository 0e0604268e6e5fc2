/** Chromium's reports of a call, one a second, as record-stats.ts recorded them. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Stat, StatsReport } from '../../../client/stats.ts';

const FOLDER = join(import.meta.dirname, '..', '..', 'fixtures', 'stats');

export type Recording = 'call' | 'muted' | 'second-microphone' | 'renegotiated';

export function recordedStats(name: Recording): StatsReport[] {
  const { reports }: { reports: Stat[][] } = JSON.parse(readFileSync(join(FOLDER, `${name}.json`), 'utf8'));
  return reports.map((stats) => new Map(stats.map((stat) => [stat.id, stat])));
}
