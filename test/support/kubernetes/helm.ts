/** The Helm chart, rendered by Helm without a cluster. */
import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse, parseAllDocuments } from 'yaml';
import { requireTool } from '../../../dev/tools/tools.ts';

const HELM = join(import.meta.dirname, '..', '..', '..', 'deploy', 'helm');
export const CHART = join(HELM, 'edgepulse');

/** The files of deploy/helm/examples. */
export const EXAMPLES = ['smallest', 'production', 'own-secrets'] as const;
export type Example = (typeof EXAMPLES)[number];

export type Values = { readonly [name: string]: unknown };

export type KubernetesObject = {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: {
    readonly name: string;
    readonly namespace?: string;
    readonly labels: Readonly<Record<string, string>>;
  };
  // biome-ignore lint/suspicious/noExplicitAny: what a test reads of it is its own to check
  readonly spec?: any;
  readonly data?: Readonly<Record<string, string>>;
};

/** @param text what helm prints @param objects the same, parsed */
export type Rendered = { readonly text: string; readonly objects: readonly KubernetesObject[] };

type Outcome = { readonly code: number; readonly stdout: string; readonly stderr: string };

export function exampleValues(name: Example): Values {
  return parse(readFileSync(join(HELM, 'examples', `${name}.yaml`), 'utf8'));
}

/** As release `calls` in namespace `monitoring-calls`. @throws with Helm's message when it refuses */
export async function render(values: Values, chart = CHART): Promise<Rendered> {
  const { code, stdout, stderr } = await template(values, chart);
  if (code !== 0) throw new Error(stderr);
  return { text: stdout, objects: parseAllDocuments(stdout).flatMap((document) => document.toJS() ?? []) };
}

/** @returns the lines that say why Helm refuses, none when it does not */
export async function refusal(values: Values, chart = CHART): Promise<string[]> {
  const { stderr } = await template(values, chart);
  const noise = /^(?:Error: |Use --debug|$)/;
  return stderr.split('\n').filter((line) => !noise.test(line));
}

export async function helm(...args: string[]): Promise<Outcome> {
  return run(args, '');
}

function template(values: Values, chart: string): Promise<Outcome> {
  // Helm that `go install` built takes itself for one of Kubernetes 1.20.
  const options = ['--namespace', 'monitoring-calls', '--kube-version', '1.37.0', '--values', '-'];
  return run(['template', 'calls', chart, ...options], JSON.stringify(values));
}

async function run(args: readonly string[], input: string): Promise<Outcome> {
  const command = await requireTool('helm');
  return new Promise((resolve) => {
    const child = execFile(command, args, { maxBuffer: 64 * 1024 * 1024 }, (error, stdout, stderr) => {
      resolve({ code: error ? 1 : 0, stdout, stderr });
    });
    child.stdin?.end(input);
  });
}

export function ofKind(objects: readonly KubernetesObject[], kind: string): KubernetesObject[] {
  return objects.filter((object) => object.kind === kind);
}

/** The only object of its kind. */
export function theOne(objects: readonly KubernetesObject[], kind: string): KubernetesObject {
  const [first, ...others] = ofKind(objects, kind);
  if (!first || others.length > 0) throw new Error(`${first ? others.length + 1 : 0} objects of kind ${kind}, not 1`);
  return first;
}
