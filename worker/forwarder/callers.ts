/**
 * Which isolates wait for an answer, and whether more can come from them: an isolate whose calls are all under
 * way brings nothing before one of them is answered, so that waiting for its company would only throttle it.
 */
export type Callers = {
  /** A call came. @returns ends it, once */
  enter(isolate: string, isLast: boolean): () => void;
  /** Whether every isolate that waits has used up its calls. */
  areAllAtTheirLast(): boolean;
};

export function createCallers(): Callers {
  const waiting = new Map<string, { calls: number; isAtLast: boolean }>();
  let atLast = 0;

  function setAtLast(caller: { isAtLast: boolean }, isAtLast: boolean): void {
    if (caller.isAtLast !== isAtLast) atLast += isAtLast ? 1 : -1;
    caller.isAtLast = isAtLast;
  }

  return {
    enter(isolate, isLast) {
      const caller = waiting.get(isolate) ?? { calls: 0, isAtLast: false };
      waiting.set(isolate, caller);
      caller.calls += 1;
      setAtLast(caller, isLast);
      return () => {
        caller.calls -= 1;
        setAtLast(caller, false);
        if (caller.calls === 0) waiting.delete(isolate);
      };
    },
    areAllAtTheirLast: () => atLast === waiting.size,
  };
}
