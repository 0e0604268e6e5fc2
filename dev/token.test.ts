import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { verify } from 'hono/jwt';
import { expect, it } from 'vitest';
import { AUDIENCE } from '../shared/claims.ts';
import { DEVELOPMENT_SECRET } from './token.ts';

const run = promisify(execFile);

function token(args: readonly string[], env: Record<string, string> = {}) {
  return run(process.execPath, [join(import.meta.dirname, 'token.ts'), ...args], { env });
}

it('prints the token and nothing else, for the secret of npm start', async () => {
  const { stdout, stderr } = await token(['--meeting', 'm', '--session', 's', '--ttl', '60']);
  expect(stderr).toBe('');
  expect(stdout).toMatch(/^\S+\n$/);
  const claims = await verify(stdout.trim(), DEVELOPMENT_SECRET, { alg: 'HS256', aud: AUDIENCE });
  expect(claims).toMatchObject({ meeting_id: 'm', sub: 's' });
  const seconds = Number(claims.exp) - Date.now() / 1000;
  expect(seconds).toBeGreaterThan(0);
  expect(seconds).toBeLessThanOrEqual(60);
});

it('signs with BEACON_SECRET when there is one', async () => {
  const secret = 'another secret of at least 32 bytes!';
  const { stdout } = await token(['--meeting', 'm', '--session', 's'], { BEACON_SECRET: secret });
  await expect(verify(stdout.trim(), secret, { alg: 'HS256', aud: AUDIENCE })).resolves.toBeDefined();
});

it.each([
  [['--session', 's'], '--meeting'],
  [['--meeting', 'm'], '--session'],
  [['--meeting', 'a b', '--session', 's'], '--meeting'],
  [['--meeting', 'm', '--session', 's', '--ttl', '-1'], '--ttl'],
  [['--meeting', 'm', '--session', 's', '--tll', '1'], '--tll'],
])('refuses %j and says how it is used', async (args, named) => {
  const failure = await token(args).catch((error: unknown) => error);
  expect(failure).toMatchObject({ code: 1, stdout: '' });
  expect((failure as { stderr: string }).stderr).toContain(named);
  expect((failure as { stderr: string }).stderr).toContain('usage: npm run -s token');
});
