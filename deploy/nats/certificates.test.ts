import { execFile } from 'node:child_process';
import { X509Certificate } from 'node:crypto';
import { mkdtemp, readFile, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterEach, expect, it } from 'vitest';

let folder: string;
afterEach(() => rm(folder, { recursive: true, force: true }));

const read = async (name: string) => new X509Certificate(await readFile(join(folder, name)));
const run = (...args: string[]) =>
  promisify(execFile)(process.execPath, [join(import.meta.dirname, 'certificates.ts'), '--out', folder, ...args]);

it('makes a CA once, and certificates of each server by its names', async () => {
  folder = await mkdtemp(join(tmpdir(), 'edgepulse-certificates-'));
  await run('apac-1.internal,nats.apac.example.com,10.0.0.7', 'hub-1.example.com');
  const [ca, first, hub] = [
    await read('ca.pem'),
    await read('apac-1.internal.pem'),
    await read('hub-1.example.com.pem'),
  ];
  for (const certificate of [first, hub]) {
    expect(certificate.checkIssued(ca)).toBe(true);
    expect(certificate.verify(ca.publicKey)).toBe(true);
    expect(certificate.ca).toBe(false);
  }
  expect(first.checkHost('nats.apac.example.com')).toBe('nats.apac.example.com');
  expect(first.checkIP('10.0.0.7')).toBe('10.0.0.7');
  expect(first.checkHost('hub-1.example.com')).toBeUndefined();
  expect((await stat(join(folder, 'ca-key.pem'))).mode & 0o077).toBe(0);

  await run('--days', '7', 'apac-1.internal');
  const renewed = await read('apac-1.internal.pem');
  expect((await read('ca.pem')).fingerprint256).toBe(ca.fingerprint256);
  expect(renewed.verify(ca.publicKey)).toBe(true);
  expect(renewed.serialNumber).not.toBe(first.serialNumber);
  expect(Date.parse(renewed.validTo)).toBeLessThan(Date.now() + 8 * 86_400_000);
});
