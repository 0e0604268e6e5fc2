/** Whether one region can be heard, derived from what its readers report. Pure. */

/** `replaying`: messages arrive, but those that were missed have not all arrived yet. */
export type FeedState = 'connecting' | 'replaying' | 'up' | 'down';

/** The reader of a filter receives nothing any more. */
export type Loss = {
  readonly filter: string;
  /** For the log: why it ended. */
  readonly reason: string;
  /** When the filter was last heard, in milliseconds since the epoch. */
  readonly sinceMs: number;
};

export type SourceStatus = {
  readonly state: FeedState;
  /**
   * The reader of the filter receives messages; `isCaughtUp` once it has received those it missed,
   * which then holds until it is lost.
   */
  reading(filter: string, isCaughtUp: boolean): void;
  lost(loss: Loss): void;
};

export type SourceStatusOptions = {
  readonly filters: readonly string[];
  /** Every filter has caught up. */
  onUp(): void;
  /** A filter was lost while the region was up. Alternates with `onUp`. */
  onDown(loss: Loss): void;
};

type Progress = 'silent' | 'replaying' | 'caught-up';

export function createSourceStatus({ filters, onUp, onDown }: SourceStatusOptions): SourceStatus {
  const progressOf = new Map<string, Progress>(filters.map((filter) => [filter, 'silent']));
  let state: FeedState = 'connecting';

  /** A region that has never been heard is `connecting`, one that was heard before is `down`. */
  function stateNow(): FeedState {
    const all = [...progressOf.values()];
    if (all.every((progress) => progress === 'caught-up')) return 'up';
    if (all.every((progress) => progress !== 'silent')) return 'replaying';
    return state === 'connecting' ? 'connecting' : 'down';
  }

  return {
    get state() {
      return state;
    },
    reading(filter, isCaughtUp) {
      const before = state;
      if (progressOf.get(filter) !== 'caught-up') progressOf.set(filter, isCaughtUp ? 'caught-up' : 'replaying');
      state = stateNow();
      if (state === 'up' && before !== 'up') onUp();
    },
    lost(loss) {
      const before = state;
      progressOf.set(loss.filter, 'silent');
      state = stateNow();
      if (before === 'up') onDown(loss);
    },
  };
}
