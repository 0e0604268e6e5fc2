/**
 * The accounts of accounts.conf as JWTs of an operator, and their users as credentials files: NATS's way without
 * passwords on the servers, where a user can expire. The JWTs are NATS's own kind (`ed25519-nkey`), version 2.
 */
import { nkeys } from 'nats';
import { SUBJECT_ROOT } from '../../../shared/subjects.ts';
import { aggregatorPermissions, edgePermissions, leafPermissions, type Permissions } from './accounts.ts';
import { credsText, JETSTREAM, type KeyPair, sign, UNLIMITED } from './jwt.ts';

export type OperatorFiles = {
  /** In place of accounts.conf. */
  readonly accounts: string;
  /** In place of hubs.conf; `$LEAF_CREDS` is the path of the region's leaf node credentials. */
  readonly hubs: string;
  /** Texts of credentials files by user: `operator`, and `edge-`, `aggregator-` and `leaf-{region}`. */
  readonly creds: ReadonlyMap<string, string>;
};

const EVERYTHING: Permissions = { publish: { allow: ['>'] }, subscribe: { allow: ['>'] } };

/**
 * New keys for all of it: to rotate, make all anew, give the servers the new accounts.conf and everybody their file.
 * @param expiresAtMs when the users' credentials end, since the epoch; by default never
 */
export function createOperatorFiles(regions: readonly string[], expiresAtMs?: number): OperatorFiles {
  const [operator, system, edgepulse] = [nkeys.createOperator(), nkeys.createAccount(), nkeys.createAccount()];
  const creds = new Map<string, string>();
  const addUser = (name: string, account: KeyPair, permissions: Permissions, types?: readonly string[]) => {
    const user = nkeys.createUser();
    const claims = { ...userClaims(permissions), ...(types ? { allowed_connection_types: types } : {}) };
    creds.set(name, credsText(sign(account, user.getPublicKey(), claims, { name, expiresAtMs }), user));
  };
  const preload = (account: KeyPair, name: string, claims: object) =>
    `  ${account.getPublicKey()}: ${sign(operator, account.getPublicKey(), { type: 'account', version: 2, ...claims }, { name })}`;
  const subjectsOf = (region: string) => `${SUBJECT_ROOT}.${region}.*.*`;
  const exports = regions.map((region) => ({
    name: region,
    subject: subjectsOf(region),
    type: 'service',
    token_req: true,
  }));
  const edges = regions.map((region) => {
    const account = nkeys.createAccount();
    const subject = subjectsOf(region);
    // Only this account may import it.
    const token = sign(edgepulse, account.getPublicKey(), { type: 'activation', version: 2, subject, kind: 'service' });
    addUser(`edge-${region}`, account, edgePermissions(region));
    addUser(`aggregator-${region}`, edgepulse, aggregatorPermissions([region]));
    addUser(`leaf-${region}`, edgepulse, leafPermissions(), ['LEAFNODE']);
    const imports = [{ name: region, subject, account: edgepulse.getPublicKey(), token, type: 'service' }];
    return preload(account, `EDGE ${region}`, { limits: UNLIMITED, imports });
  });
  addUser('operator', edgepulse, EVERYTHING);
  const accounts = [
    `operator: ${sign(operator, operator.getPublicKey(), { type: 'operator', version: 2 }, { name: 'edgepulse' })}`,
    `system_account: ${system.getPublicKey()}`,
    'resolver: MEMORY',
    'resolver_preload: {',
    preload(system, 'SYS', { limits: UNLIMITED }),
    preload(edgepulse, 'EDGEPULSE', { limits: { ...UNLIMITED, ...JETSTREAM }, exports }),
    ...edges,
    '}',
    '',
  ];
  return { accounts: accounts.join('\n'), hubs: hubsConfig(edgepulse.getPublicKey()), creds };
}

function userClaims({ publish, subscribe }: Permissions): object {
  return { type: 'user', version: 2, subs: -1, data: -1, payload: -1, pub: publish, sub: subscribe };
}

function hubsConfig(account: string): string {
  return `leafnodes {
  remotes = [{
    urls: $HUB_URLS
    account: ${account}
    credentials: $LEAF_CREDS
    deny_exports: ["health.>"]
    deny_imports: ["health.>"]
    include 'peer-tls.conf'
  }]
}
`;
}
