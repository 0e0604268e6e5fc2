/** Values by key, of which those that were not asked for lately are forgotten: a bound on memory, for what can be made again. */

export type Recent<V> = {
  get(key: string): V | undefined;
  set(key: string, value: V): void;
  /** Never more than what {@link createRecent} was given. */
  readonly size: number;
};

/**
 * Two generations: a full one becomes the old one, and what is asked for of that is carried over. So a value that is in use
 * stays, without a list to be kept in order.
 * @param max how many values are kept at the most
 */
export function createRecent<V>(max: number): Recent<V> {
  const mostInOne = Math.max(1, max >> 1);
  let young = new Map<string, V>();
  let old = new Map<string, V>();

  function set(key: string, value: V): void {
    if (young.size === mostInOne && !young.has(key)) {
      old = young;
      young = new Map();
    }
    young.set(key, value);
  }

  return {
    get(key) {
      const value = young.get(key);
      if (value !== undefined) return value;
      const older = old.get(key);
      if (older !== undefined) {
        old.delete(key);
        set(key, older);
      }
      return older;
    },
    set,
    get size() {
      return young.size + old.size;
    },
  };
}
