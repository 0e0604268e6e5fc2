/**
 * A NATS operator with one account, as a managed NATS has: the server's configuration, and credentials for
 * users with the permissions that a test gives them. The JWTs are NATS's own kind (`ed25519-nkey`).
 */
import { nkeys } from 'nats';
import { credsText, JETSTREAM, type KeyPair, sign, UNLIMITED } from '../../../deploy/nats/source/jwt.ts';

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

export function createNatsAccounts(): NatsAccounts {
  const operator = nkeys.createOperator();
  const account = nkeys.createAccount();
  const system = nkeys.createAccount();
  const accountOf = (pair: KeyPair, limits: object) =>
    `${pair.getPublicKey()}: ${sign(operator, pair.getPublicKey(), { type: 'account', version: 2, limits: { ...UNLIMITED, ...limits } })}`;
  const config = [
    `operator: ${sign(operator, operator.getPublicKey(), { type: 'operator', version: 2 })}`,
    // JetStream needs a system account besides the one that it serves.
    `system_account: ${system.getPublicKey()}`,
    'resolver: MEMORY',
    'resolver_preload: {',
    accountOf(system, {}),
    accountOf(account, JETSTREAM),
    '}',
  ];
  return {
    config: config.join('\n'),
    createCreds(permissions = {}, expiresAtMs) {
      const user = nkeys.createUser();
      const claims = { type: 'user', version: 2, subs: -1, data: -1, payload: -1, ...permissions };
      return credsText(sign(account, user.getPublicKey(), claims, { expiresAtMs }), user);
    },
  };
}
