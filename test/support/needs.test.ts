import { describe, expect, it, onTestFinished } from 'vitest';
import { describeWith } from './needs.ts';

await describeWith([async () => undefined], 'tests whose needs are met', () => {
  it('run', () => {});
});

describe('tests that lack something', () => {
  it.runIf(process.platform === 'linux')('fail in CI, which has everything', async () => {
    const { CI } = process.env;
    onTestFinished(() => {
      if (CI === undefined) delete process.env.CI;
      else process.env.CI = CI;
    });
    process.env.CI = 'true';
    const running = describeWith([async () => 'no media server', async () => undefined], 'a call', () => {});
    await expect(running).rejects.toThrow('not run in CI: a call: no media server');
  });
});
