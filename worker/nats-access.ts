/**
 * A region's NATS servers and the Forwarders' credentials there, in order of precedence: `NATS_CREDS_{REGION}`, the
 * user and password (or token) in the URLs, `NATS_CREDS`.
 */

export type Credentials =
  | { readonly kind: 'creds'; readonly text: string }
  | { readonly kind: 'user'; readonly user: string; readonly password: string }
  | { readonly kind: 'token'; readonly token: string };

export type NatsAccess = {
  /** `nats://host:port`, any of the region's cluster; without user or password. */
  readonly servers: readonly string[];
  readonly credentials: Credentials | undefined;
};

/** Texts of credentials files by the name of their variable. */
export type NatsCreds = { readonly [variable: string]: string };

const SHARED_CREDS = 'NATS_CREDS';

/** `eu-west` -> `NATS_CREDS_EU_WEST`. */
export function credsVariable(region: string): string {
  return `${SHARED_CREDS}_${region.toUpperCase().replaceAll('-', '_')}`;
}

/** The credentials files in the environment, whichever regions they are for. */
export function credsIn(env: { readonly [name: string]: unknown }): NatsCreds {
  return Object.fromEntries(credsEntries(env).filter((entry): entry is [string, string] => isFile(entry[1])));
}

/** Variables that should hold a credentials file and don't. */
export function credsProblems(env: { readonly [name: string]: unknown }): string[] {
  return credsEntries(env).flatMap(([name, text]) => (isFile(text) ? [] : [`${name}: is not the text of a file`]));
}

function credsEntries(env: { readonly [name: string]: unknown }): [string, unknown][] {
  return Object.entries(env).filter(
    ([name, text]) => text !== undefined && (name === SHARED_CREDS || name.startsWith(`${SHARED_CREDS}_`)),
  );
}

function isFile(text: unknown): text is string {
  return typeof text === 'string' && text !== '';
}

/** @param urls must have passed {@link userinfoProblem} */
export function natsAccess(region: string, urls: readonly string[], creds: NatsCreds): NatsAccess {
  const own = creds[credsVariable(region)];
  const shared = creds[SHARED_CREDS];
  const credentials =
    fileCredentials(own) ?? urls.map(userinfoOf).find((userinfo) => userinfo !== undefined) ?? fileCredentials(shared);
  return { servers: urls.map(withoutUserinfo), credentials };
}

/** What is wrong with users and passwords in a list of URLs; never quotes them. */
export function userinfoProblem(urls: readonly string[]): string | undefined {
  const users = new Set(urls.map((url) => JSON.stringify(userinfoOf(url))));
  return users.size > 1 ? 'the NATS URLs must all have the same user and password, or none' : undefined;
}

/** A user without a password is a token, as nats-server's own tools have it. */
function userinfoOf(url: string): Credentials | undefined {
  if (!URL.canParse(url)) return undefined;
  const { username, password } = new URL(url);
  if (username === '' && password === '') return undefined;
  const [user, secret] = [decodeURIComponent(username), decodeURIComponent(password)];
  return secret === '' ? { kind: 'token', token: user } : { kind: 'user', user, password: secret };
}

function withoutUserinfo(url: string): string {
  return url.replace(/^([a-z]+:\/\/)[^/]*@/, '$1');
}

/** The NATS client rejects a file without its last newline, which `wrangler secret put` and `$(cat FILE)` remove. */
function fileCredentials(text: string | undefined): Credentials | undefined {
  return text === undefined ? undefined : { kind: 'creds', text: `${text.trimEnd()}\n` };
}
