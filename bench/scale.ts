/**
 * How the cost of one process grows with sessions, meetings, what each person receives, regions and servers: of each cost the
 * exponent, and what the largest size costs in times of the smallest one of the same run.
 * `npm run bench -- scale [the most sessions] [axis]`
 */
import { count, milliseconds } from './support/figures.ts';
import { exponentOf } from './support/growth.ts';
import { probe } from './support/probe.ts';
import type { ScaleResult, Shape } from './support/probe-scale.ts';

const EXPONENT_MAX = 1.05;

/** Costs of the whole population, and how one reads them. */
const COSTS = [
  [
    'CPU, a beacon of each session',
    ({ roundMs }, { sessions }) => [roundMs, `${((roundMs * 1e3) / sessions).toFixed(2)} us a beacon`],
  ],
  ['memory of the sessions', ({ bytes }, { sessions }) => [bytes, `${count(bytes / sessions)} B a session`]],
  ['CPU, a scrape', ({ scrapeMs, series }) => [scrapeMs, `${milliseconds(scrapeMs)}, ${count(series)} detail series`]],
  ['CPU, a step of the history', ({ stepMs }) => [stepMs, `${stepMs.toFixed(2)} ms`]],
  ['CPU, the same in a replay', ({ replayedStepMs }) => [replayedStepMs, `${replayedStepMs.toFixed(2)} ms`]],
] as const satisfies readonly [string, (result: ScaleResult, shape: Shape) => readonly [number, string]][];

type Axis = { readonly what: string; readonly sizeOf: (shape: Shape) => number; readonly shapes: readonly Shape[] };

/** Each axis moves one number; the others stay as a product has them. */
function axesOf(most: number): Axis[] {
  const usual: Shape = { sessions: most / 4, meetings: most / 16, peers: 3, regions: 4, servers: 4 };
  const each = (change: (size: number) => Partial<Shape>, sizes: readonly number[]) =>
    sizes.map((size) => ({ ...usual, ...change(size) }));
  const people = [64, 16, 4];
  return [
    {
      what: 'sessions',
      sizeOf: ({ sessions }) => sessions,
      shapes: each((sessions) => ({ sessions, meetings: sessions / 4 }), [most / 64, most / 16, most / 4, most]),
    },
    {
      what: 'meetings',
      sizeOf: ({ meetings }) => meetings,
      shapes: each((size) => ({ meetings: usual.sessions / size }), people),
    },
    {
      // Streams, and the sessions that fit: a meeting of 64 has 63 a person.
      what: 'streams',
      sizeOf: ({ peers }) => peers,
      shapes: each((peers) => ({ peers, sessions: most / 16, meetings: most / 16 / 64 }), [3, 12, 48]),
    },
    { what: 'regions', sizeOf: ({ regions }) => regions, shapes: each((regions) => ({ regions }), [1, 4, 16, 64]) },
    {
      what: 'servers',
      sizeOf: ({ servers }) => servers,
      shapes: each((servers) => ({ servers }), [1, 4, 16, 64, 256]),
    },
  ];
}

export async function run([most = '256000', only]: string[]): Promise<void> {
  if (Number(most) % 16_000 !== 0) throw new RangeError('the sessions are no multiple of 16,000');
  const axes = axesOf(Number(most)).filter(({ what }) => only === undefined || what === only);
  if (axes.length === 0) throw new RangeError(`there is no axis ${only}`);
  for (const axis of axes) await measureAxis(axis);
}

async function measureAxis({ what, sizeOf, shapes }: Axis): Promise<void> {
  const results: [Shape, ScaleResult][] = [];
  for (const shape of shapes)
    results.push([shape, await probe<ScaleResult>('support/probe-scale.ts', [JSON.stringify(shape)])]);
  const { sessions, meetings, peers, regions, servers } = shapes[0] as Shape;
  console.log(
    `\n${what}: ${shapes.map((shape) => count(sizeOf(shape))).join(', ')}; begins with ${count(sessions)} sessions in ${count(meetings)} meetings, ${peers} streams each, ${regions} regions, ${servers} servers`,
  );
  for (const [name, read] of COSTS) {
    const costs = results.map(([shape, result]) => read(result, shape));
    const points = results.map(([shape], i) => [sizeOf(shape), costs[i]?.[0] as number] as const);
    const exponent = exponentOf(points);
    // What is the same for every size hides, in the fit, what the largest ones add.
    const atTheEnd = exponentOf(points.slice(-2));
    const [first = 0, last = 0] = [costs[0]?.[0], costs.at(-1)?.[0]];
    const verdict = exponent <= EXPONENT_MAX ? 'met' : 'NOT MET';
    console.log(
      `  ${name.padEnd(32)} ^${exponent.toFixed(2)}  ${verdict}: at most ${EXPONENT_MAX}; ^${atTheEnd.toFixed(2)} between the two largest; ${(last / first).toFixed(1)} x the smallest`,
    );
    console.log(`    ${costs.map(([, text]) => text).join(' | ')}`);
  }
}
