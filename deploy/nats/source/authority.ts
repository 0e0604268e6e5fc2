/**
 * A private certificate authority for NATS, and certificates signed by it (X.509 v3, RFC 5280; ECDSA with P-256), by
 * Node's own crypto: openssl is not on every machine.
 */
import { createHash, createPrivateKey, generateKeyPairSync, type KeyObject, randomBytes, sign } from 'node:crypto';
import { isIP } from 'node:net';
import { bits, integer, objectId, octets, sequence, set, TRUE, tagged, time, utf8 } from './der.ts';

/** PEM. */
export type Certificate = { readonly cert: string; readonly key: string };

export type Validity = { readonly notBefore: Date; readonly notAfter: Date };

export type Authority = {
  readonly certificate: Certificate;
  /**
   * A certificate for a server that also connects to others: for both ends of TLS.
   * @param names DNS names and IP addresses; clients compare what they connect to with them
   */
  issue(names: readonly string[], validity?: Validity): Certificate;
};

const DAY_MS = 86_400_000;
const AUTHORITY_DAYS = 3_650;
const CERTIFICATE_DAYS = 397;

const ECDSA_WITH_SHA256 = sequence(objectId('1.2.840.10045.4.3.2'));
const COMMON_NAME = objectId('2.5.4.3');
const SUBJECT_KEY = '2.5.29.14';
const KEY_USAGE = '2.5.29.15';
const ALTERNATIVE_NAME = '2.5.29.17';
const BASIC_CONSTRAINTS = '2.5.29.19';
const AUTHORITY_KEY = '2.5.29.35';
const EXTENDED_KEY_USAGE = '2.5.29.37';
const SERVER_AND_CLIENT = sequence(objectId('1.3.6.1.5.5.7.3.1'), objectId('1.3.6.1.5.5.7.3.2'));

/** @example createAuthority('edgepulse NATS').issue(['nats.apac.example.com', '10.0.0.7']) */
export function createAuthority(name: string, validity = validFor(AUTHORITY_DAYS)): Authority {
  const { publicKey, privateKey } = newKeys();
  const cert = signed({
    issuer: { name, key: privateKey, keyId: keyId(publicKey) },
    subject: { name, publicKey },
    validity,
    extensions: [
      extension(BASIC_CONSTRAINTS, sequence(TRUE), true),
      // keyCertSign and cRLSign.
      extension(KEY_USAGE, bits(Buffer.from([0x06]), 1), true),
    ],
  });
  return openAuthority(name, { cert, key: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString() });
}

/** An authority that was created before. @param name the one that it was created with */
export function openAuthority(name: string, certificate: Certificate): Authority {
  const key = createPrivateKey(certificate.key);
  const issuer = { name, key, keyId: keyId(key) };
  return {
    certificate,
    issue(names, validity = validFor(CERTIFICATE_DAYS)) {
      const { publicKey, privateKey } = newKeys();
      const cert = signed({
        issuer,
        subject: { name: names[0] ?? '', publicKey },
        validity,
        extensions: [
          extension(BASIC_CONSTRAINTS, sequence(), true),
          // digitalSignature.
          extension(KEY_USAGE, bits(Buffer.from([0x80]), 7), true),
          extension(EXTENDED_KEY_USAGE, SERVER_AND_CLIENT),
          extension(ALTERNATIVE_NAME, sequence(...names.map(alternativeName))),
        ],
      });
      return { cert, key: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString() };
    },
  };
}

type Signing = {
  readonly issuer: { readonly name: string; readonly key: KeyObject; readonly keyId: Buffer };
  readonly subject: { readonly name: string; readonly publicKey: KeyObject };
  readonly validity: Validity;
  readonly extensions: readonly Buffer[];
};

/** The certificate in PEM. */
function signed({ issuer, subject, validity, extensions }: Signing): string {
  const toBeSigned = sequence(
    tagged(0, integer(Buffer.from([2])), true),
    // Positive, and unlike any other of this authority.
    integer(Buffer.concat([Buffer.from([0x40]), randomBytes(15)])),
    ECDSA_WITH_SHA256,
    distinguishedName(issuer.name),
    sequence(time(validity.notBefore), time(validity.notAfter)),
    distinguishedName(subject.name),
    subject.publicKey.export({ type: 'spki', format: 'der' }),
    tagged(
      3,
      sequence(
        ...extensions,
        extension(SUBJECT_KEY, octets(keyId(subject.publicKey))),
        extension(AUTHORITY_KEY, sequence(tagged(0, issuer.keyId))),
      ),
      true,
    ),
  );
  const der = sequence(toBeSigned, ECDSA_WITH_SHA256, bits(sign('sha256', toBeSigned, issuer.key)));
  const lines = der.toString('base64').match(/.{1,64}/g) ?? [];
  return ['-----BEGIN CERTIFICATE-----', ...lines, '-----END CERTIFICATE-----', ''].join('\n');
}

function extension(id: string, value: Uint8Array, isCritical = false): Buffer {
  return sequence(objectId(id), ...(isCritical ? [TRUE] : []), octets(value));
}

function distinguishedName(commonName: string): Buffer {
  return sequence(set(sequence(COMMON_NAME, utf8(commonName))));
}

function alternativeName(name: string): Buffer {
  const version = isIP(name);
  if (version === 6) throw new RangeError(`${name}: give the host a name, IPv6 addresses are not supported`);
  return version === 4 ? tagged(7, Buffer.from(name.split('.').map(Number))) : tagged(2, Buffer.from(name));
}

/** @param key private or public */
function keyId(key: KeyObject): Buffer {
  const { x, y } = key.export({ format: 'jwk' });
  const point = [x, y].map((coordinate) => Buffer.from(coordinate ?? '', 'base64url'));
  return createHash('sha1')
    .update(Buffer.concat([Buffer.from([4]), ...point]))
    .digest();
}

function newKeys(): { publicKey: KeyObject; privateKey: KeyObject } {
  return generateKeyPairSync('ec', { namedCurve: 'P-256' });
}

function validFor(days: number): Validity {
  const now = Date.now();
  // Clocks differ.
  return { notBefore: new Date(now - DAY_MS), notAfter: new Date(now + days * DAY_MS) };
}
