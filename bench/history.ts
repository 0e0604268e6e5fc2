/**
 * What the history costs: a step every 5 s of 100,000 sessions in 8 regions, and in the most regions and servers that a
 * topology has. `npm run bench -- history [sessions] [steps]`
 */
import { count, type Figure, milliseconds, printFigures } from './support/figures.ts';
import { probe } from './support/probe.ts';
import type { HistoryResult } from './support/probe-history.ts';

export async function run([sessions = '100000', steps = '9']: string[]): Promise<void> {
  for (const [regions, servers] of [
    ['8', '4'],
    ['64', '256'],
  ] as const) {
    const result = await probe<HistoryResult>('support/probe-history.ts', [sessions, regions, servers, steps]);
    const title = `${count(Number(sessions))} sessions, ${regions} regions of ${servers} servers, ${count(result.cells)} cells`;
    printFigures(title, figuresOf(result));
  }
}

function figuresOf(result: HistoryResult): Figure[] {
  const { longestHold, idleHold } = result;
  const most = 10;
  return [
    { what: 'a step of all regions, CPU', value: milliseconds(result.stepMs) },
    {
      what: 'longest hold of the event loop while it is recorded',
      value: milliseconds(longestHold.wallMs),
      target: { text: `at most ${most} ms`, met: longestHold.wallMs <= most },
    },
    { what: 'longest hold of the event loop while it is recorded, CPU', value: milliseconds(longestHold.cpuMs) },
    { what: 'the same while beacons come in and nothing is recorded, CPU', value: milliseconds(idleHold.cpuMs) },
    { what: 'a step of one region in one go, as in a replay, CPU', value: milliseconds(result.regionMs) },
    { what: 'a full history in memory', value: `${count(result.bytes / 1e3)} kB` },
    { what: 'all of it as JSON', value: `${count(result.answerBytes / 1e3)} kB` },
  ];
}
