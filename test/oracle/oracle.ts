/** Draws runs of steps from a seed, plays them, and finds the first sample that differs from the model's. */
import fc from 'fast-check';
import { shorten } from './shorten.ts';
import { createSimulation, type SimulationOptions } from './simulation.ts';
import { type Step, step } from './steps.ts';

export type OracleOptions = { readonly seed: number; readonly steps: number };

export type Verdict = {
  /** How many steps were played, and how many sample lines were compared, before the first difference. */
  readonly steps: number;
  readonly lines: number;
  readonly failure: Failure | undefined;
};

export type Failure = {
  /** Of the run that failed: with this seed and one step, the oracle finds the same. */
  readonly seed: number;
  readonly options: SimulationOptions;
  /** As few steps as still show a difference. */
  readonly steps: readonly Step[];
  readonly differences: readonly string[];
};

/** Long runs: a bug in moving a session shows only with several sessions in one cell. */
const RUN_STEPS = 120;

const run = fc.record({
  options: fc.record({
    maxSessions: fc.constantFrom(3, 8, 100),
    maxSessionSeries: fc.constantFrom(0, 7, 25, 10_000),
    shards: fc.constantFrom(1, 1, 2),
  }),
  steps: fc.array(step, { minLength: RUN_STEPS, maxLength: RUN_STEPS }),
});

/** Each run has a seed of its own, following the one before. */
export function consultOracle({ seed, steps }: OracleOptions): Verdict {
  let played = 0;
  let lines = 0;
  for (let runSeed = seed; played < steps; runSeed++) {
    const [one] = fc.sample(run, { seed: runSeed, numRuns: 1 });
    if (!one) throw new Error('nothing was drawn');
    const result = playRun(one.options, one.steps);
    played += result.played;
    lines += result.lines;
    if (result.differences.length === 0) continue;
    const isShown = (shorter: readonly Step[]) => playRun(one.options, shorter).differences.length > 0;
    const shortest = shorten(one.steps.slice(0, result.played), isShown);
    const { differences } = playRun(one.options, shortest);
    return { steps: played, lines, failure: { seed: runSeed, options: one.options, steps: shortest, differences } };
  }
  return { steps: played, lines, failure: undefined };
}

type Played = { readonly played: number; readonly lines: number; readonly differences: readonly string[] };

/** Plays until the first difference. An exception counts as one. */
function playRun(options: SimulationOptions, steps: readonly Step[]): Played {
  const simulation = createSimulation(options);
  let played = 0;
  let lines = 0;
  for (const each of steps) {
    played++;
    try {
      simulation.play(each);
      const comparison = simulation.check();
      lines += comparison.lines;
      if (comparison.differences.length > 0) return { played, lines, differences: comparison.differences };
    } catch (error) {
      return { played, lines, differences: [error instanceof Error ? (error.stack ?? error.message) : String(error)] };
    }
  }
  return { played, lines, differences: [] };
}
