/** Schemas as kubeconform reads them: Kubernetes' own, and those of the Prometheus operator's resources. */
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { findKubernetesSchemas } from '../../../dev/tools/kubernetes-schemas.ts';
import { KUBERNETES_SCHEMAS } from '../../../dev/tools/sources.ts';

type Schema = { readonly [keyword: string]: unknown };

/** What the chart renders, as the files are named. */
const KINDS = [
  'configmap-v1',
  'ingress-networking-v1',
  'networkpolicy-networking-v1',
  'poddisruptionbudget-policy-v1',
  'service-v1',
  'serviceaccount-v1',
  'statefulset-apps-v1',
];
const OPERATOR_KINDS = ['PrometheusRule', 'ServiceMonitor'];
const OPERATOR = fileURLToPath(
  new URL('.', import.meta.resolve('@kubernetes-models/prometheus-operator/monitoring.coreos.com/v1')),
);

/** Writes `VERSION/KIND.json` for each version into the folder, each complete in itself. */
export async function writeSchemas(folder: string): Promise<void> {
  const source = await findKubernetesSchemas();
  if (source === undefined) throw new Error('Kubernetes’ schemas are missing: run "npm run install-tools"');
  const operator = await Promise.all(
    OPERATOR_KINDS.map(async (kind) => [`${kind.toLowerCase()}-monitoring-v1`, await operatorSchema(kind)] as const),
  );
  for (const version of KUBERNETES_SCHEMAS.versions) {
    const target = join(folder, version);
    await mkdir(target, { recursive: true });
    const { $defs } = await readJson(join(source, version, '_definitions.json'));
    const own = await Promise.all(
      KINDS.map(
        async (kind) => [kind, bundle(await readJson(join(source, version, `${kind}.json`)), $defs as Schema)] as const,
      ),
    );
    for (const [kind, schema] of [...own, ...operator]) {
      await writeFile(join(target, `${kind}.json`), JSON.stringify(schema));
    }
  }
}

/** With the definitions that it needs: they are in a file of their own, under an address that leads nowhere here. */
function bundle(schema: Schema, definitions: Schema): Schema {
  const needed: { [name: string]: unknown } = {};
  const visit = (part: unknown): void => {
    for (const [, name = ''] of JSON.stringify(part).matchAll(/"\$ref":"[^"#]*#\/\$defs\/([^"]+)"/g)) {
      if (name in needed) continue;
      needed[name] = definitions[name];
      visit(definitions[name]);
    }
  };
  visit(schema);
  return JSON.parse(JSON.stringify({ ...schema, $defs: needed }).replaceAll('"/api/_definitions.json#', '"#'));
}

/** From the declarations of the npm package, whose own schemas are compiled, and accept members that don't exist. */
async function operatorSchema(kind: string): Promise<Schema> {
  const definitions: { [name: string]: Schema } = {};
  async function define(name: string): Promise<void> {
    if (definitions[name] !== undefined) return;
    definitions[name] = {};
    const text = await readFile(join(OPERATOR, `${name}.d.ts`), 'utf8').catch(() => '');
    const body = /^export declare class \w+ extends Model<.*?\{\n(.*?)^ {4}(?:static|constructor)/ms.exec(text)?.[1];
    // An alias of a string or a number, or a type of another package: anything.
    if (body === undefined) return;
    const members = [...body.matchAll(/^ {4}"(\w+)"(\??): (\{\n.*?^ {4}\}|[^\n]+);$/gms)];
    const properties: [string, Schema][] = [];
    for (const [, member = '', , type = ''] of members) properties.push([member, await schemaOf(type)]);
    const required = members.flatMap(([, member, optional]) => (optional ? [] : [member]));
    definitions[name] = {
      type: 'object',
      additionalProperties: false,
      properties: Object.fromEntries(properties),
      required,
    };
  }
  async function schemaOf(type: string): Promise<Schema> {
    if (['string', 'number', 'boolean'].includes(type)) return { type };
    const items = /^Array<(.*)>$/.exec(type)?.[1];
    if (items !== undefined) return { type: 'array', items: await schemaOf(items) };
    if (type.startsWith('{')) return { type: 'object' };
    const name = /MonitoringV1(\w+)$/.exec(type)?.[1];
    if (name === undefined) return {};
    await define(name);
    return { $ref: `#/$defs/${name}` };
  }
  await define(kind);
  return { $schema: 'https://json-schema.org/draft/2020-12/schema', $ref: `#/$defs/${kind}`, $defs: definitions };
}

async function readJson(path: string): Promise<Schema> {
  return JSON.parse(await readFile(path, 'utf8'));
}
