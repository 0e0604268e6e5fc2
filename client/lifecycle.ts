/** The page's lifecycle: hidden, gone, kept in the back-forward cache, back again. Without a page, nothing happens. */

export type PageListener = {
  /** This may be the last event: phones end hidden pages without notice. */
  onHidden(): void;
  /** @param mayReturn the page enters the back-forward cache; otherwise this is the last event */
  onGone(mayReturn: boolean): void;
  /** It is shown, again or out of that cache. */
  onShown(): void;
};

export function isVisible(): boolean {
  return globalThis.document?.visibilityState !== 'hidden';
}

/** Until the signal aborts, after which no listener is left. */
export function watchPage({ onHidden, onGone, onShown }: PageListener, signal: AbortSignal): void {
  const page = globalThis.document;
  if (!page) return;
  // A page that closes fires pagehide first and then visibilitychange, which adds nothing.
  let isGone = false;
  page.addEventListener('visibilitychange', () => !isGone && (isVisible() ? onShown : onHidden)(), { signal });
  addEventListener(
    'pagehide',
    ({ persisted }) => {
      isGone = true;
      onGone(persisted);
    },
    { signal },
  );
  addEventListener(
    'pageshow',
    ({ persisted }) => {
      isGone = false;
      // The first pageshow is the page's start.
      if (persisted) onShown();
    },
    { signal },
  );
}
