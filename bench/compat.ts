/**
 * Packets of media servers, beside what was measured of the metrics server that they were made for, on the same machine:
 * 34.7 us of CPU a report of three peers, 657 MB and 542,500 series for 10,000 sessions.
 * `npm run bench -- compat [sessions] [runs]`
 */
import { count, type Figure, median, printFigures } from './support/figures.ts';
import { probe } from './support/probe.ts';
import type { PacketsResult } from './support/probe-packets.ts';

const INCUMBENT = { cpuMicroseconds: 34.7, residentBytes: 657e6, series: 542_500, sessions: 10_000 } as const;
/** At most a third of each. */
const SHARE = 1 / 3;
const ROUNDS = 12;

export async function run([sessions = '10000', runs = '3']: string[]): Promise<void> {
  console.log(`${count(Number(sessions))} sessions, a packet of each every 5 s, ${runs} runs`);
  for (const peers of [3, 10]) {
    const results: PacketsResult[] = [];
    for (let i = 0; i < Number(runs); i++) {
      results.push(await probe<PacketsResult>('support/probe-packets.ts', [sessions, `${peers}`, `${ROUNDS}`]));
    }
    printFigures(`packets of ${peers} peers`, figuresOf(results, peers, Number(sessions)));
  }
}

function figuresOf(results: readonly PacketsResult[], peers: number, sessions: number): Figure[] {
  const of = (value: (result: PacketsResult) => number) => median(results.map(value));
  const cpu = of((result) => result.cpuMicroseconds);
  const resident = of((result) => result.residentBytes);
  const samples = of((result) => result.samples);
  const gone = of((result) => result.goneAfterSeconds);
  const isComparable = peers === 3;
  const target = (value: number, incumbent: number, text: string) =>
    isComparable ? { target: { text, met: value <= incumbent * SHARE } } : {};
  const share = sessions / INCUMBENT.sessions;
  return [
    { what: 'bytes a packet', value: count(of((result) => result.bytes)) },
    {
      what: 'CPU a packet',
      value: `${cpu.toFixed(1)} us`,
      ...target(cpu, INCUMBENT.cpuMicroseconds, `a third of ${INCUMBENT.cpuMicroseconds} us`),
    },
    { what: 'detail series, without a limit', value: count(of((result) => result.series)) },
    {
      what: 'series of a scrape, without a limit of detail',
      value: count(samples),
      ...target(samples, INCUMBENT.series * share, `a third of ${count(INCUMBENT.series * share)}`),
    },
    {
      what: 'resident memory of the process',
      value: `${count(resident / 1e6)} MB`,
      ...target(
        resident,
        INCUMBENT.residentBytes * share,
        `a third of ${count((INCUMBENT.residentBytes * share) / 1e6)} MB`,
      ),
    },
    {
      what: 'gone after the last packet, with nobody scraping',
      value: `${gone.toFixed(2)} s`,
      target: { text: 'within 31 s', met: gone <= 31 },
    },
  ];
}
