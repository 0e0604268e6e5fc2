/**
 * Tests that need something which not every platform has: where it is missing they are skipped, which shows in the count
 * and in one line that says why. In CI it is a failure: there nobody reads the line, and the platform has everything.
 */
import { describe } from 'vitest';
import { findTool, type Tool } from '../../dev/tools/tools.ts';

/** Says what is missing and how to get it; undefined when nothing is. */
export type Need = () => Promise<string | undefined>;

/** @example await describeWith([tool('janus')], 'three people in a room of janus', () => { it(...) }) */
export async function describeWith(needs: readonly Need[], name: string, body: () => void): Promise<void> {
  const missing = (await Promise.all(needs.map((need) => need()))).filter((reason) => reason !== undefined);
  if (!missing.length) {
    describe(name, body);
    return;
  }
  const reason = `${name}: ${missing.join('; ')}`;
  if (process.env.CI && process.platform === 'linux') throw new Error(`not run in CI: ${reason}`);
  process.stderr.write(`not run: ${reason}\n`);
  describe.skip(name, body);
}

export function tool(name: Tool): Need {
  return async () =>
    (await findTool(name)) === undefined
      ? `${name} is not on this machine ("npm run install-tools" says why)`
      : undefined;
}
