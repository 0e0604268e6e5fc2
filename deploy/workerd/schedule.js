/**
 * Calls the worker's `scheduled` once a minute, as Cloudflare's Cron Triggers do and a workerd of one's own does not: by the
 * alarm of a Durable Object, which a restart doesn't forget. It is the main module in place of the worker, and hands every
 * request on to it. Plain JavaScript, since workerd loads it as it is.
 */
import worker from './index.js';

// biome-ignore lint/performance/noBarrelFile: the runtime finds the class among the main module's exports
export { Forwarder } from './index.js';

const EVERY_MS = 60_000;

export class Schedule {
  constructor(ctx, env) {
    this.ctx = ctx;
    this.env = env;
  }

  /** Starts the alarm where there is none. The first call comes at once. */
  async fetch() {
    if ((await this.ctx.storage.getAlarm()) === null) await this.ctx.storage.setAlarm(Date.now());
    return new Response(null, { status: 204 });
  }

  async alarm() {
    // Before the call, so that one that fails is not the last one.
    await this.ctx.storage.setAlarm(Date.now() + EVERY_MS);
    await worker.scheduled({ cron: '* * * * *', scheduledTime: Date.now(), noRetry() {} }, this.env, this.ctx);
  }
}

let isStarted = false;

// biome-ignore lint/style/noDefaultExport: what workerd calls
export default {
  fetch(request, env, ctx) {
    // There is no moment before the first request, which is the first look at /healthz.
    if (!isStarted) {
      isStarted = true;
      const schedule = env.SCHEDULE.get(env.SCHEDULE.idFromName('schedule'));
      ctx.waitUntil(
        schedule.fetch('http://schedule/').catch(() => {
          isStarted = false;
        }),
      );
    }
    return worker.fetch(request, env, ctx);
  },
};
