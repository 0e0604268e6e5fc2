/**
 * Which batch of each lane may be in a stream although nobody acknowledged it, kept in the Forwarder's storage beside the
 * spool: it is published again as it was, under its id and with its place in the epoch of the first try, whatever start of
 * the Forwarder and whichever region's NATS it is published through.
 */
/** What makes two publishes of a batch the same. */
export type Try = {
  /** The `Nats-Msg-Id`: a stream that has a message of that id takes no second one. */
  readonly id: string;
  /** Of the batch's header: an aggregator that reads the batch in two streams counts it once. */
  readonly epoch: string;
  readonly accepted: number;
};

export type Tries = {
  /** The try of the lane's oldest beacons, and how many they are; undefined when none may be in a stream. */
  get(lane: string): { readonly tried: Try; readonly beacons: number } | undefined;
  save(lane: string, tried: Try, beacons: number): void;
  forget(lane: string): void;
};

type Row = { id: string; beacons: number; epoch: string | null; accepted: number | null };

/** @throws when storage fails, as all of its methods do */
export function openTries({ sql }: Pick<DurableObjectStorage, 'sql'>): Tries {
  sql.exec('CREATE TABLE IF NOT EXISTS tried (lane TEXT PRIMARY KEY, id TEXT NOT NULL, beacons INTEGER NOT NULL)');
  // An earlier version's table; that version can still write it, when a deployment is rolled back.
  const columns = sql.exec<{ name: string }>('PRAGMA table_info(tried)').toArray();
  if (!columns.some(({ name }) => name === 'epoch')) {
    sql.exec('ALTER TABLE tried ADD COLUMN epoch TEXT');
    sql.exec('ALTER TABLE tried ADD COLUMN accepted INTEGER');
  }
  return {
    get(lane) {
      const [row] = sql.exec<Row>('SELECT id, beacons, epoch, accepted FROM tried WHERE lane = ?', lane);
      if (!row) return undefined;
      const { id, beacons, epoch, accepted } = row;
      // An earlier version's row: an epoch of its own, which counts the batch if it is not in the stream yet.
      return { tried: { id, epoch: epoch ?? id, accepted: accepted ?? beacons }, beacons };
    },
    save(lane, { id, epoch, accepted }, beacons) {
      sql.exec(
        'INSERT OR REPLACE INTO tried (lane, id, beacons, epoch, accepted) VALUES (?, ?, ?, ?, ?)',
        lane,
        id,
        beacons,
        epoch,
        accepted,
      );
    },
    forget: (lane) => void sql.exec('DELETE FROM tried WHERE lane = ?', lane),
  };
}
