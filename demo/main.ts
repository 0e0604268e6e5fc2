/** `npm run demo`: the whole system on this machine, and a fleet of simulated clients that posts to it. */
import { runCommand } from '../dev/command.ts';
import { startDemo } from './demo.ts';
import { FLEET } from './fleet.ts';
import { INCIDENT } from './incident.ts';
import { TIMETABLE_EVERY_MS } from './timetable.ts';

await runCommand({
  name: 'npm run demo',
  summary: `Does what npm start does, and simulates clients: at least ${FLEET.meetings * FLEET.least} people in ${FLEET.meetings} meetings in
${FLEET.regions.join(', ')}. An incident in ${INCIDENT.region} begins after ${INCIDENT.firstAfterMs / 1000} s, lasts ${INCIDENT.lastsMs / 1000} s, and comes again
every ${TIMETABLE_EVERY_MS / 1000} s; a timetable says what else happens, and to whom. A Prometheus with the rules of
deploy/prometheus scrapes it, and its alerts are printed. Ctrl-C stops everything.`,
  ownPort: { name: 'PROMETHEUS_PORT', of: 'Prometheus (9090, or another one when that is taken)' },
  requiredRegions: FLEET.regions,
  joinable: FLEET.regions,
  onReady: ({ addresses: { worker, aggregator, regions }, secret, metricsToken, ownPort }) =>
    startDemo({
      worker,
      aggregators: regions?.map((region) => region.aggregator) ?? [aggregator],
      ...(regions ? { regions: regions.map(({ region }) => region) } : {}),
      secret,
      prometheus: { metricsToken, port: ownPort },
      report: (line) => console.log(line),
    }),
});
