/**
 * A private CA and certificates of servers: `npm run -s nats-certificates -- --out FOLDER NAMES...`. Each of NAMES is one
 * server's names, separated by commas; the first one is what its files are called. The CA is made when FOLDER has none.
 * With `--days` certificates are valid for so long, by default 397. Existing certificates are renewed.
 */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { type Certificate, createAuthority, openAuthority } from './source/authority.ts';

const NAME = 'edgepulse NATS';
const DAY_MS = 86_400_000;

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { out: { type: 'string' }, days: { type: 'string', default: '397' } },
});
const days = Number(values.days);
if (values.out === undefined || positionals.length === 0 || !(days > 0)) {
  console.error('usage: npm run -s nats-certificates -- --out FOLDER [--days DAYS] NAME[,NAME...]...');
  process.exit(1);
}

const folder = values.out;
mkdirSync(folder, { recursive: true });
const authority = existsSync(join(folder, 'ca.pem')) ? openAuthority(NAME, read('ca')) : createAuthority(NAME);
write('ca', authority.certificate);
for (const names of positionals.map((argument) => argument.split(','))) {
  const notAfter = new Date(Date.now() + days * DAY_MS);
  write(`${names[0]}`, authority.issue(names, { notBefore: new Date(Date.now() - DAY_MS), notAfter }));
}

function read(name: string): Certificate {
  const [cert, key] = [`${name}.pem`, `${name}-key.pem`].map((file) => readFileSync(join(folder, file), 'utf8'));
  return { cert: cert ?? '', key: key ?? '' };
}

function write(name: string, { cert, key }: Certificate): void {
  writeFileSync(join(folder, `${name}.pem`), cert);
  writeFileSync(join(folder, `${name}-key.pem`), key, { mode: 0o600 });
}
