/** A real Chromium without a window, and the empty pages of an origin that it can open. */
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type Browser, chromium, type Page } from 'playwright-core';
import { requireTool } from '../../../dev/tools/tools.ts';

const FLAGS = [
  '--headless',
  '--no-sandbox',
  '--disable-gpu',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
  // A camera and a microphone that need no permission, and calls over addresses that resolve without multicast DNS.
  '--use-fake-device-for-media-stream',
  '--use-fake-ui-for-media-stream',
  '--autoplay-policy=no-user-gesture-required',
  '--disable-features=WebRtcHideLocalIpsWithMdns',
];

export type Chromium = {
  /** A new page with a profile of its own, so that nothing of an earlier one is cached. */
  open(url: string): Promise<Page>;
  /** Ends the browser and removes its profiles. */
  stop(): Promise<void>;
};

/** Talks to it through a pipe, so that it also ends when the process of the test is killed. */
export async function launchChromium(): Promise<Browser> {
  return chromium.launch({
    executablePath: await requireTool('chromium'),
    args: FLAGS,
    // As people have it: a page may come back as it was.
    ignoreDefaultArgs: ['--disable-back-forward-cache'],
  });
}

export async function startChromium(): Promise<Chromium> {
  const browser = await launchChromium();
  return {
    async open(url) {
      const context = await browser.newContext();
      const page = await context.newPage();
      await page.goto(url);
      return page;
    },
    stop: () => browser.close(),
  };
}

export type PageServer = {
  /** `http://localhost:<port>`: another site than 127.0.0.1, where the worker of a test listens. */
  readonly origin: string;
  stop(): Promise<void>;
};

/** Serves an empty page under every path. */
export async function startPageServer(): Promise<PageServer> {
  const server = createServer((_, response) => {
    response.setHeader('content-type', 'text/html; charset=utf-8');
    response.end('<!doctype html><title>a call</title>');
  });
  server.listen(0, 'localhost');
  await once(server, 'listening');
  return {
    origin: `http://localhost:${(server.address() as AddressInfo).port}`,
    async stop() {
      const closed = once(server, 'close');
      server.close();
      server.closeAllConnections();
      await closed;
    },
  };
}
