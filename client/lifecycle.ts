/** What becomes of the page: hidden, gone, kept in the back-forward cache, back again. Where there is no page, nothing. */

export type PageListener = {
  /** It may never be seen again: a phone ends hidden pages without another word. */
  onHidden(): void;
  /** @param mayReturn it goes into the back-forward cache; otherwise nothing comes after this */
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
  // A page that goes away is first gone and then hidden, which says nothing new.
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
      // At its first show it has only just begun.
      if (persisted) onShown();
    },
    { signal },
  );
}
