/** People on the call page, as they use it: they open it, join, mute and leave. */
import type { Page } from 'playwright-core';
import { onTestFinished } from 'vitest';
import type { Chromium } from '../processes/chromium.ts';

export type Source = 'Camera and microphone' | 'Microphone only' | 'Test picture';

export type Caller = {
  readonly page: Page;
  readonly session: string;
  /** Errors that reached the page. */
  errors(): readonly string[];
  /** The text under each picture, one's own first. */
  people(): Promise<string[]>;
  /** Presses a button. */
  press(button: 'Mute' | 'Unmute' | 'Camera off' | 'Camera on' | 'Leave'): Promise<void>;
};

export type CallerOptions = {
  readonly chromium: Chromium;
  /** Of the page. */
  readonly origin: string;
  readonly room: string;
  readonly name: string;
  readonly source?: Source;
};

/** Opens the page and joins; the page is closed when the test has finished. */
export async function joinCall(options: CallerOptions): Promise<Caller> {
  const { chromium, origin, room, name, source = 'Camera and microphone' } = options;
  const page = await chromium.open(`${origin}/?room=${room}`);
  onTestFinished(() => page.context().close());
  // A page that uses no device is not told the machine's addresses, and here they are not hidden behind multicast DNS.
  await page.context().grantPermissions(['camera', 'microphone'], { origin });
  const errors: string[] = [];
  page.on('pageerror', (error) => errors.push(String(error)));
  await page.getByLabel('Your name').fill(name);
  await page.getByLabel(source).check();
  const button = (label: string) => page.getByRole('button', { name: label, exact: true });
  await button('Join').click();
  await button('Leave').waitFor();
  return {
    page,
    session: (await page.locator('#session').textContent()) ?? '',
    errors: () => errors,
    people: async () => (await page.locator('figcaption').allInnerTexts()).map((text) => text.trim()),
    press: (label) => button(label).click(),
  };
}
