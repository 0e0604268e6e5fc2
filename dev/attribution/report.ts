/** The tables of docs/attribution.md, from the simulation. */
import { SIDES } from '../../aggregator/attribution/side.ts';
import { type Matrix, type Sizes, simulate, streamsIn, sumOf, TRUTHS, type Truth } from './matrix.ts';

const OPTIONS = { seed: 20_261_124, worlds: 60, faults: { link: 0.04, server: 0.08, meeting: 0.02 } } as const;
/** The first covers all meetings with at least three receivers. */
const SIZES = [
  { least: 4, most: 20 },
  { least: 2, most: 3 },
  { least: 4, most: 4 },
  { least: 5, most: 7 },
  { least: 8, most: 20 },
] as const satisfies readonly Sizes[];

const TRUTH_WORDS: { readonly [T in Truth]: string } = {
  server: 'the server',
  publisher: "the publisher's uplink",
  receiver: "the receiver's downlink",
  several: 'several of them',
  meeting: 'only what forwards this meeting',
  nothing: 'nothing (a burst of loss)',
};

/** The shares are of all meetings with at least three receivers: the test checks them. */
export type Measured = { readonly tables: string; readonly right: number; readonly wronged: number };

export function measureAttribution(): Measured {
  const matrices = simulate(OPTIONS, SIZES);
  const all = matrices[0] as Matrix;
  const { streams, right, wronged } = sumOf(all);
  const sizes = matrices.map((matrix, i) => sizeRow(SIZES[i] as Sizes, matrix));
  const tables = [
    `| what is broken | result: ${SIDES.join(' | ')} | right | a healthy side blamed |`,
    `|---|${SIDES.map(() => '--:|').join('')}--:|--:|`,
    ...TRUTHS.map((truth) => truthRow(truth, all)),
    '',
    '| people in the meeting | bad streams | right | a healthy side blamed |',
    '|---|--:|--:|--:|',
    ...sizes,
  ].join('\n');
  return { tables, right: right / streams, wronged: wronged / streams };
}

function truthRow(truth: Truth, matrix: Matrix): string {
  const row = matrix[truth];
  const streams = streamsIn(row);
  const said = SIDES.map((side) => row.said[side]).join(' | ');
  return `| ${TRUTH_WORDS[truth]} | ${said} | ${percent(row.right, streams)} | ${percent(row.wronged, streams)} |`;
}

function sizeRow({ least, most }: Sizes, matrix: Matrix): string {
  const { streams, right, wronged } = sumOf(matrix);
  const size = least === most ? `${least}` : `${least} to ${most}`;
  return `| ${size} | ${streams} | ${percent(right, streams)} | ${percent(wronged, streams)} |`;
}

function percent(part: number, whole: number): string {
  return whole === 0 ? '' : `${((100 * part) / whole).toFixed(1)} %`;
}
