/** What the edge is measured against: a trivial Hono route that parses the same JSON and answers 204. */
import { Hono } from 'hono';

/** The deployment's Durable Object, so that both bundles are served by the same configuration; never called. */
export class Forwarder {}

const app = new Hono();

app.post('/v1/beacons', async (c) => {
  JSON.parse(await c.req.text());
  return c.body(null, 204);
});

app.get('/healthz', (c) => c.json({ status: 'ok' }));

// biome-ignore lint/style/noDefaultExport: a Worker's entry point is its default export
export default app;
