/** Waiting for something to become true, with a deadline: the only kind of waiting that tests do. */

export type PollOptions = {
  /** How long to try, in milliseconds. */
  readonly deadlineMs?: number;
  readonly intervalMs?: number;
};

/**
 * Calls `attempt` until it neither throws nor returns `false` or `undefined`, and returns its value.
 * @throws the last failure as the cause, after the deadline
 */
export async function eventually<T>(
  attempt: () => T | Promise<T>,
  { deadlineMs = 10_000, intervalMs = 20 }: PollOptions = {},
): Promise<Exclude<T, false | undefined>> {
  const endsAt = performance.now() + deadlineMs;
  for (;;) {
    const outcome = await settle(attempt);
    if ('value' in outcome && outcome.value !== false && outcome.value !== undefined) {
      return outcome.value as Exclude<T, false | undefined>;
    }
    if (performance.now() > endsAt) {
      const failure = 'error' in outcome ? outcome.error : undefined;
      const why = failure instanceof Error ? `: ${failure.message}` : '';
      throw new Error(`not so within ${deadlineMs} ms${why}`, { cause: failure });
    }
    await pause(intervalMs);
  }
}

/** A pause between two looks at something; never a wait for an event. */
export function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

async function settle<T>(attempt: () => T | Promise<T>): Promise<{ value: T } | { error: unknown }> {
  try {
    return { value: await attempt() };
  } catch (error) {
    return { error };
  }
}
