import { describe, expect, it } from 'vitest';
import { credsExpiryMs, natsFaultOf } from './nats-faults.ts';

const NOW_MS = 1_800_000_000_000;

function credsOf(claims: object): string {
  const jwt = ['{}', JSON.stringify(claims), 'signature']
    .map((part) => Buffer.from(part).toString('base64url'))
    .join('.');
  return `-----BEGIN NATS USER JWT-----\n${jwt}\n------END NATS USER JWT------\n`;
}

describe('a fault of NATS', () => {
  it.each([
    ['CONNECTION_REFUSED', undefined, 'unreachable'],
    ['ENOTFOUND', undefined, 'unreachable'],
    ['EHOSTUNREACH', undefined, 'unreachable'],
    ['TLS', undefined, 'certificate'],
    ['SELF_SIGNED_CERT_IN_CHAIN', undefined, 'certificate'],
    ['ERR_TLS_CERT_ALTNAME_INVALID', undefined, 'certificate'],
    ['AUTHORIZATION_VIOLATION', undefined, 'login'],
    ['AUTHENTICATION_EXPIRED', undefined, 'expired_credentials'],
    ['PERMISSIONS_VIOLATION', undefined, 'permission'],
    ['503', undefined, 'stream'],
    ['404', 10_059, 'stream'],
    ['503', 10_077, 'storage'],
    ['500', 10_023, 'storage'],
    ['400', 10_001, 'other'],
    ['something new', undefined, 'other'],
  ])('%s %s is %s', (code, apiCode, fault) => {
    expect(natsFaultOf({ code, apiCode, nowMs: NOW_MS })).toBe(fault);
  });

  it.each([
    [true, 'no_answer'],
    [false, 'unreachable'],
  ])('TIMEOUT of a request, %s, is %s', (isRequest, fault) => {
    expect(natsFaultOf({ code: 'TIMEOUT', isRequest, nowMs: NOW_MS })).toBe(fault);
  });

  it.each([
    [NOW_MS / 1_000 - 1, 'expired_credentials'],
    [NOW_MS / 1_000 + 1, 'login'],
    [undefined, 'login'],
  ])('AUTHORIZATION_VIOLATION with credentials that expire at %s is %s', (exp, fault) => {
    const creds = credsOf({ exp });
    expect(natsFaultOf({ code: 'AUTHORIZATION_VIOLATION', creds, nowMs: NOW_MS })).toBe(fault);
  });
});

it.each(['', 'nonsense', '-----BEGIN NATS USER JWT-----\na.!.c\n', credsOf({ exp: 'soon' }), credsOf({})])(
  'no expiry in %j',
  (text) => {
    expect(credsExpiryMs(text)).toBeUndefined();
  },
);
