/**
 * Where a Forwarder last published, kept in its storage: when its region is taken out of REGIONS while its spool
 * still holds beacons, they go there. Users and passwords are not kept; credentials files are looked up by the
 * region's name, as long as the deployment has them.
 */
import type { SpoolStorage } from './spool.ts';

export type LastServers = {
  /** NATS servers of the region when it was last configured; empty when it never was. */
  list(): readonly string[];
  save(servers: readonly string[]): void;
};

export function openLastServers({ sql }: Pick<SpoolStorage, 'sql'>): LastServers {
  sql.exec('CREATE TABLE IF NOT EXISTS servers (place INTEGER PRIMARY KEY, url TEXT NOT NULL)');
  const servers = (): string[] => {
    const rows = sql.exec<{ url: string }>('SELECT url FROM servers ORDER BY place').toArray();
    return rows.map(({ url }) => url);
  };
  return {
    list: servers,
    save(current) {
      // A write is paid for, and a Forwarder starts often.
      if (JSON.stringify(servers()) === JSON.stringify(current)) return;
      sql.exec('DELETE FROM servers');
      for (const [place, url] of current.entries()) {
        sql.exec('INSERT INTO servers (place, url) VALUES (?, ?)', place, url);
      }
    },
  };
}
