/**
 * The NATS servers that a Forwarder last used, kept in its storage: if its region is removed from REGIONS while its
 * spool still holds beacons, they drain there. Users and passwords are not kept; credentials files are looked up by
 * the region's name, as long as the deployment has them.
 */
import type { SpoolStorage } from '../spool.ts';

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
      // Writes are billed, and Forwarders start often.
      if (JSON.stringify(servers()) === JSON.stringify(current)) return;
      sql.exec('DELETE FROM servers');
      for (const [place, url] of current.entries()) {
        sql.exec('INSERT INTO servers (place, url) VALUES (?, ?)', place, url);
      }
    },
  };
}
