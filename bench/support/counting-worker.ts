/** The worker as it is deployed, with a route that says how often its Forwarders were called. */
import type { ForwardAnswer, ForwardCall } from '../../worker/forward/call.ts';
import { Forwarder as DeployedForwarder } from '../../worker/forwarder/forwarder.ts';
import app from '../../worker/index.ts';

let calls = 0;

export class Forwarder extends DeployedForwarder {
  override forward(call: ForwardCall): Promise<ForwardAnswer> {
    calls += 1;
    return super.forward(call);
  }
}

// biome-ignore lint/style/noDefaultExport: a Worker's entry point is its default export
export default {
  fetch(request: Request, env: Env, ctx: ExecutionContext): Response | Promise<Response> {
    return request.url.endsWith('/calls') ? new Response(String(calls)) : app.fetch(request, env, ctx);
  },
};
