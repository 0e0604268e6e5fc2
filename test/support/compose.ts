/** A compose file with its variables filled in, as far as tests look into it. */
import { parse as parseYaml } from 'yaml';

export type Service = {
  readonly image?: string;
  readonly build?: { readonly context: string; readonly dockerfile: string; readonly target: string };
  readonly environment?: { readonly [name: string]: string };
  readonly ports?: readonly string[];
  readonly volumes?: readonly string[];
  readonly healthcheck?: unknown;
  readonly read_only?: boolean;
  readonly cap_drop?: readonly string[];
  readonly security_opt?: readonly string[];
};

export type Compose = {
  readonly name: string;
  readonly services: { readonly [name: string]: Service };
  readonly volumes: { readonly [name: string]: unknown };
};

/** @param variables those of the `.env` file. @throws when a variable has neither a value nor a default */
export function readCompose(text: string, variables: { readonly [name: string]: string }): Compose {
  const filled = text.replaceAll(/\$\{(\w+)(?::(\?|-)([^}]*))?\}/g, (all, name: string, kind?: string, rest = '') => {
    const value = variables[name] || (kind === '-' ? rest : undefined);
    if (value === undefined) throw new Error(`${all}: has no value`);
    return value;
  });
  return parseYaml(filled, { merge: true });
}
