/** The pods that the chart's StatefulSets make, as far as Kubernetes decides it from their templates. */
import { type KubernetesObject, ofKind } from './helm.ts';

export type Pod = {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  /** Variables with their values, those out of secrets included. */
  readonly env: Readonly<Record<string, string>>;
  /** Paths of the files that are mounted. */
  readonly files: readonly string[];
  /** Names of the secrets that are mounted. */
  readonly secrets: readonly string[];
};

type EnvEntry = {
  readonly name: string;
  readonly value?: string;
  readonly valueFrom?: { readonly secretKeyRef?: { readonly name: string; readonly key: string } };
};
type Item = { readonly key: string; readonly path: string };
type Volume = { readonly name: string } & {
  readonly [source in 'secret' | 'configMap']?: { readonly secretName?: string; readonly items: readonly Item[] };
};

/** @param secrets the values in secrets, by `name/key` */
export function podsOf(objects: readonly KubernetesObject[], secrets: Readonly<Record<string, string>>): Pod[] {
  return ofKind(objects, 'StatefulSet').flatMap(({ metadata, spec }) => {
    const { template } = spec;
    const [container] = template.spec.containers;
    const env = container.env.map(({ name, value, valueFrom }: EnvEntry) => [
      name,
      value ?? secretOf(valueFrom, secrets),
    ]);
    const volumes: readonly Volume[] = template.spec.volumes ?? [];
    const mounts: readonly { name: string; mountPath: string }[] = container.volumeMounts ?? [];
    const files = mounts.flatMap(({ name, mountPath }) => {
      const volume = volumes.find((known) => known.name === name);
      const items = volume?.secret?.items ?? volume?.configMap?.items ?? [];
      return items.map(({ path }) => `${mountPath}/${path}`);
    });
    const secretNames = volumes.flatMap(({ secret }) => secret?.secretName ?? []);
    return Array.from({ length: spec.replicas }, (_, ordinal) => ({
      name: `${metadata.name}-${ordinal}`,
      labels: template.metadata.labels,
      env: Object.fromEntries(env),
      files,
      secrets: secretNames,
    }));
  });
}

function secretOf(from: EnvEntry['valueFrom'], secrets: Readonly<Record<string, string>>): string {
  const { name, key } = from?.secretKeyRef ?? {};
  const value = secrets[`${name}/${key}`];
  if (value === undefined) throw new Error(`no secret ${name} with the key ${key}`);
  return value;
}

/** Whether a selector's `matchLabels` chooses the labels; one without any chooses everything. */
export function matches(
  { matchLabels = {} }: { readonly matchLabels?: Readonly<Record<string, string>> },
  labels: Readonly<Record<string, string>>,
): boolean {
  return Object.entries(matchLabels).every(([name, value]) => labels[name] === value);
}
