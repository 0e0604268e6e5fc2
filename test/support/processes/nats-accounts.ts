/**
 * A NATS operator with one account, as a managed NATS has: the server's configuration, and credentials for
 * users with the permissions that a test gives them. The JWTs are NATS's own kind (`ed25519-nkey`).
 */
import { randomUUID } from 'node:crypto';
import { nkeys } from 'nats';

type KeyPair = ReturnType<typeof nkeys.createUser>;

export type Permissions = {
  readonly pub?: { readonly allow: readonly string[] };
  readonly sub?: { readonly allow: readonly string[] };
};

export type NatsAccounts = {
  /** For nats-server's configuration file. */
  readonly config: string;
  /**
   * The text of a credentials file; without permissions the user may do everything in the account.
   * @param expiresAtMs since the epoch; by default never
   */
  createCreds(permissions?: Permissions, expiresAtMs?: number): string;
};

const UNLIMITED = { subs: -1, data: -1, payload: -1, imports: -1, exports: -1, conn: -1, leaf: -1, wildcards: true };

export function createNatsAccounts(): NatsAccounts {
  const operator = nkeys.createOperator();
  const account = nkeys.createAccount();
  const system = nkeys.createAccount();
  const accountOf = (pair: KeyPair, limits: object) =>
    `${pair.getPublicKey()}: ${sign(operator, pair, { type: 'account', version: 2, limits: { ...UNLIMITED, ...limits } })}`;
  const config = [
    `operator: ${sign(operator, operator, { type: 'operator', version: 2 })}`,
    // JetStream needs a system account besides the one that it serves.
    `system_account: ${system.getPublicKey()}`,
    'resolver: MEMORY',
    'resolver_preload: {',
    accountOf(system, {}),
    accountOf(account, { mem_storage: -1, disk_storage: -1, streams: -1, consumer: -1 }),
    '}',
  ];
  return {
    config: config.join('\n'),
    createCreds(permissions = {}, expiresAtMs) {
      const user = nkeys.createUser();
      const claims = { type: 'user', version: 2, subs: -1, data: -1, payload: -1, ...permissions };
      const jwt = sign(account, user, claims, expiresAtMs);
      return [
        '-----BEGIN NATS USER JWT-----',
        jwt,
        '------END NATS USER JWT------',
        '',
        '-----BEGIN USER NKEY SEED-----',
        new TextDecoder().decode(user.getSeed()),
        '------END USER NKEY SEED------',
        '',
      ].join('\n');
    },
  };
}

function sign(issuer: KeyPair, subject: KeyPair, nats: object, expiresAtMs?: number): string {
  const claims = {
    jti: randomUUID(),
    iat: Math.floor(Date.now() / 1_000),
    iss: issuer.getPublicKey(),
    sub: subject.getPublicKey(),
    ...(expiresAtMs === undefined ? {} : { exp: Math.floor(expiresAtMs / 1_000) }),
    nats,
  };
  const text = [{ typ: 'JWT', alg: 'ed25519-nkey' }, claims].map((part) => base64url(JSON.stringify(part))).join('.');
  return `${text}.${base64url(issuer.sign(new TextEncoder().encode(text)))}`;
}

function base64url(data: string | Uint8Array): string {
  return Buffer.from(data).toString('base64url');
}
