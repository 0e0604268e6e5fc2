/**
 * Which isolates wait for an answer, and whether they can send more. An isolate that has used up its calls sends
 * nothing until one is answered, so lingering for it would only throttle it.
 */
export type Callers = {
  /** Registers a call. @returns a function that ends it; call it once */
  enter(isolate: string, isLast: boolean): () => void;
  /** Whether every waiting isolate has used up its calls. */
  canBringNoMore(): boolean;
};

export function createCallers(): Callers {
  const waiting = new Map<string, { calls: number; isExhausted: boolean }>();
  let exhausted = 0;

  function setExhausted(caller: { isExhausted: boolean }, isExhausted: boolean): void {
    if (caller.isExhausted !== isExhausted) exhausted += isExhausted ? 1 : -1;
    caller.isExhausted = isExhausted;
  }

  return {
    enter(isolate, isLast) {
      const caller = waiting.get(isolate) ?? { calls: 0, isExhausted: false };
      waiting.set(isolate, caller);
      caller.calls += 1;
      setExhausted(caller, isLast);
      return () => {
        caller.calls -= 1;
        setExhausted(caller, false);
        if (caller.calls === 0) waiting.delete(isolate);
      };
    },
    canBringNoMore: () => exhausted === waiting.size,
  };
}
