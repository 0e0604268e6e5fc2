/**
 * Keeps the log short while something is retried twice a second: a condition is logged when it
 * begins and when it changes, not at each attempt.
 */
export type ChangeFilter = {
  /** Whether the topic's value differs from the one seen last. Remembers it. */
  isNew(topic: string, value: string): boolean;
  /** The condition has ended: the next value is new, whatever it is. */
  forget(topic: string): void;
};

export function createChangeFilter(): ChangeFilter {
  const seen = new Map<string, string>();
  return {
    isNew(topic, value) {
      if (seen.get(topic) === value) return false;
      seen.set(topic, value);
      return true;
    },
    forget(topic) {
      seen.delete(topic);
    },
  };
}
