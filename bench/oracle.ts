/**
 * Runs the oracle for a number of steps: /metrics after each step is compared with an independent recount of everything
 * that happened. `npm run bench -- oracle [steps] [seed]`; the seed can also be given as `SEED=7 npm run bench -- oracle`.
 */
import { consultOracle, type Failure } from '../test/oracle/oracle.ts';
import { count, printFigures } from './support/figures.ts';

export async function run([
  steps = '20000',
  seed = process.env.SEED ?? `${Date.now() % 1_000_000_007}`,
]: string[]): Promise<void> {
  const startedMs = performance.now();
  const verdict = consultOracle({ seed: Number(seed), steps: Number(steps) });
  const seconds = (performance.now() - startedMs) / 1000;
  printFigures(`oracle, seed ${seed}`, [
    { what: 'steps', value: count(verdict.steps) },
    { what: 'sample lines compared', value: count(verdict.lines) },
    { what: 'steps a second', value: count(verdict.steps / seconds) },
    {
      what: 'differences',
      value: verdict.failure ? 'found' : 'none',
      target: { text: 'none', met: verdict.failure === undefined },
    },
  ]);
  if (!verdict.failure) return;
  printFailure(verdict.failure);
  process.exitCode = 1;
}

function printFailure({ seed, options, steps, differences }: Failure): void {
  console.log(`\nReplay it with: npm run bench -- oracle 1 ${seed}\n\n${JSON.stringify(options)}`);
  for (const step of steps) console.log(JSON.stringify(step));
  // Counters first: they say more about the cause than gauges.
  const isCounter = (difference: string) => difference.includes('_total');
  const sorted = [...differences.filter(isCounter), ...differences.filter((one) => !isCounter(one))];
  console.log(`\n${sorted.slice(0, 20).join('\n')}`);
}
