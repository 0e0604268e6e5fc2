/**
 * JWTs of NATS (`ed25519-nkey`, version 2) and the text of a credentials file, as `nsc` writes them: the client has
 * neither.
 */
import { randomUUID } from 'node:crypto';
import type { nkeys } from 'nats';

export type KeyPair = ReturnType<typeof nkeys.createUser>;

/** Limits of an account. */
export const UNLIMITED = {
  subs: -1,
  data: -1,
  payload: -1,
  imports: -1,
  exports: -1,
  conn: -1,
  leaf: -1,
  wildcards: true,
};
/** Those that let it use JetStream. */
export const JETSTREAM = { mem_storage: -1, disk_storage: -1, streams: -1, consumer: -1 };

/** @param user whose key the JWT is of */
export function credsText(jwt: string, user: KeyPair): string {
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
}

/** `expiresAtMs`: since the epoch; by default never. */
type About = { readonly name?: string; readonly expiresAtMs?: number | undefined };

/** @param subject the public key that the claims are of */
export function sign(issuer: KeyPair, subject: string, nats: object, { name, expiresAtMs }: About = {}): string {
  const claims = {
    jti: randomUUID(),
    iat: Math.floor(Date.now() / 1_000),
    iss: issuer.getPublicKey(),
    sub: subject,
    ...(name === undefined ? {} : { name }),
    ...(expiresAtMs === undefined ? {} : { exp: Math.floor(expiresAtMs / 1_000) }),
    nats,
  };
  const text = [{ typ: 'JWT', alg: 'ed25519-nkey' }, claims].map((part) => base64url(JSON.stringify(part))).join('.');
  return `${text}.${base64url(issuer.sign(new TextEncoder().encode(text)))}`;
}

function base64url(data: string | Uint8Array): string {
  return Buffer.from(data).toString('base64url');
}
