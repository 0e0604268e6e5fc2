/**
 * accounts.conf and hubs.conf of an operator, and a credentials file for each user: `npm run -s nats-operator -- --out FOLDER
 * --regions us-east,eu-west [--days DAYS]`. With `--days` the users expire; to rotate, run it again.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { createOperatorFiles } from './source/operator.ts';

const DAY_MS = 86_400_000;

const { values } = parseArgs({
  options: { out: { type: 'string' }, regions: { type: 'string' }, days: { type: 'string' } },
});
const days = values.days === undefined ? undefined : Number(values.days);
if (values.out === undefined || values.regions === undefined || (days !== undefined && !(days > 0))) {
  console.error('usage: npm run -s nats-operator -- --out FOLDER --regions REGION,REGION [--days DAYS]');
  process.exit(1);
}

const expiresAtMs = days === undefined ? undefined : Date.now() + days * DAY_MS;
const { accounts, hubs, creds } = createOperatorFiles(values.regions.split(','), expiresAtMs);
mkdirSync(join(values.out, 'creds'), { recursive: true });
writeFileSync(join(values.out, 'accounts.conf'), accounts);
writeFileSync(join(values.out, 'hubs.conf'), hubs);
for (const [user, text] of creds) {
  writeFileSync(join(values.out, 'creds', `${user}.creds`), text, { mode: 0o600 });
}
