/** docs/media-servers.md, for those who operate media servers: its table of fields is that of packets.proto. */
import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';
import { PACKET_REJECT_REASONS } from '../aggregator/store/totals.ts';

const run = promisify(execFile);
const read = (path: string) => readFileSync(new URL(`../${path}`, import.meta.url), 'utf8');
const doc = read('docs/media-servers.md');
const proto = read('aggregator/ingest/packets/packets.proto');

/** The fields of a message of packets.proto, by name. */
function fieldsOf(message: string): Map<string, number> {
  const body = proto.match(new RegExp(`^message ${message} \\{(.*?)^\\}`, 'ms'))?.[1] ?? '';
  const fields = [...body.matchAll(/^ {2}\S.*?(\w+) = (\d+);/gm)];
  return new Map(fields.map(([, name = '', number]) => [name, Number(number)]));
}

/** The names and numbers in the first two columns of the table of fields, in that order. */
const ROWS = [...doc.matchAll(/^\| (?:of a peer: )?((?:`\w+`(?:, )?)+) \| ([\d, ]+) \|/gm)].flatMap(
  ([, names = '', numbers = '']) => {
    const each = numbers.split(',').map(Number);
    return [...names.matchAll(/`(\w+)`/g)].map(([, name = ''], i): [string, number | undefined] => [name, each[i]]);
  },
);

describe('docs/media-servers.md', () => {
  it('has the fields of packets.proto that are read, and no other', () => {
    const fields = [...fieldsOf('HealthPacket'), ...fieldsOf('PeerStats')];
    expect(fields.length).toBeGreaterThan(12);
    expect(ROWS.sort()).toEqual(fields.sort());
    for (const name of [...fieldsOf('NetEqStats').keys(), ...fieldsOf('VideoStats').keys()]) {
      if (name !== 'network') expect(doc).toContain(`\`${name}\``);
    }
  });

  it('has every reason', () => {
    for (const reason of PACKET_REJECT_REASONS) expect(doc).toContain(`| \`${reason}\` |`);
  });

  it('has a command that prints what stands for an id', async () => {
    const env = { ...process.env, ID_HASH_SECRET: 'Jefe' };
    // RFC 4231, test case 2.
    const args = ['dev/hash-id.ts', 'what do ya want for nothing?'];
    const { stdout } = await run(process.execPath, args, { env, cwd: new URL('..', import.meta.url) });
    expect(stdout).toBe('h_5bdcc146bf60754e6a042426089575c7\n');
    await expect(
      run(process.execPath, ['dev/hash-id.ts'], { env, cwd: new URL('..', import.meta.url) }),
    ).rejects.toThrow('usage:');
  });
});
