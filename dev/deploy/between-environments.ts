/** What two environments of one account must not share: each of these would make one disturb the other. */
import { type Environment, environmentsOf, type Table, tableAt, tablesAt } from './table.ts';

/** @param name the environment that is to be deployed */
export function sharedProblems(wrangler: Table, name: string): string[] {
  const environments = environmentsOf(wrangler);
  const own = environments.find((environment) => environment.name === name);
  if (!own) return [];
  const others = environments.filter((environment) => environment !== own);
  return [...repeats(own), ...others.flatMap((other) => collisions(own, other))];
}

function repeats({ path, table }: Environment): string[] {
  const ids = limitsOf(table).map(({ id }) => id);
  return ids.flatMap((id, i) =>
    ids.indexOf(id) < i
      ? [`${path}ratelimits: namespace_id ${id} is that of two limits, which would count together`]
      : [],
  );
}

function collisions(own: Environment, other: Environment): string[] {
  const whose = other.path === '' ? 'the top level' : other.path.slice(0, -1);
  const ids = new Set(limitsOf(other.table).map(({ id }) => id));
  const names = new Map([own, other].map(({ name, table }) => [name, workerName(table, name)]));
  const routes = new Set(routesOf(other.table));
  const servers = new Set(natsOf(other.table));
  return [
    ...limitsOf(own.table)
      .filter(({ id }) => ids.has(id))
      .map(
        ({ name, id }) =>
          `${own.path}ratelimits: ${name} has namespace_id ${id} of ${whose}, and would count together with it`,
      ),
    ...(own.table.name !== undefined && names.get(own.name) === names.get(other.name)
      ? [`${own.path}name: ${own.table.name} is the name of ${whose} too, so that each deployment replaces the other`]
      : []),
    ...routesOf(own.table)
      .filter((route) => routes.has(route))
      .map((route) => `${own.path}routes: ${route} is a route of ${whose} too`),
    ...natsOf(own.table)
      .filter((url) => servers.has(url))
      .map(
        (url) => `${own.path}vars.REGIONS: ${url} is a NATS server of ${whose} too, whose aggregators would show both`,
      ),
  ];
}

/** Where an environment has no name, wrangler makes one that is its own. */
function workerName({ name }: Table, environment: string): string {
  return typeof name === 'string' ? name : `of ${environment}`;
}

function limitsOf(table: Table): { name: string; id: string }[] {
  return tablesAt(table, 'ratelimits').map(({ name, namespace_id }) => ({
    name: String(name),
    id: String(namespace_id),
  }));
}

function routesOf({ routes, route }: Table): string[] {
  const all = [...(Array.isArray(routes) ? routes : []), ...(route === undefined ? [] : [route])];
  return all.map((one) => (typeof one === 'string' ? one : String(tableAt({ one }, 'one').pattern)));
}

function natsOf(table: Table): string[] {
  return tablesAt(table, 'vars', 'REGIONS').flatMap(({ nats }) => (Array.isArray(nats) ? nats.map(String) : []));
}
