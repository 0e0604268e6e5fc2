/**
 * What is wrong when NATS can't be used: one word for it in the logs of both sides and in the aggregator's metrics, and
 * what to do about it. From the codes of the client library and of nats-server's JetStream API (server/errors.json).
 */

export const NATS_FAULTS = [
  /** No server answers at the address, or not in time. */
  'unreachable',
  /** A server is connected, and a request or a publish is not answered: nobody takes it, or only too slowly. */
  'no_answer',
  /** TLS failed: the certificate is of another CA or name, or has expired, or one side has no TLS. */
  'certificate',
  /** The user, password or credentials file is not accepted. */
  'login',
  /** The credentials file is not accepted any more, since its time is over. */
  'expired_credentials',
  /** The user is accepted, and may not do what we need. */
  'permission',
  /** There is no stream for the subject, or no JetStream. */
  'stream',
  /** JetStream has no space left, or less than the stream needs. */
  'storage',
  'other',
] as const;

export type NatsFault = (typeof NATS_FAULTS)[number];

/** What is known of a failure. */
export type NatsFailure = {
  /** Of the client library, for example `AUTHORIZATION_VIOLATION`. */
  readonly code: string;
  /** Whether it is a request or a publish that failed, and not the connection itself. */
  readonly isRequest?: boolean;
  /** JetStream's own number, from its answer. */
  readonly apiCode?: number | undefined;
  /** The text of the credentials file that was used. */
  readonly creds?: string | undefined;
  /** The wall clock, ms since the epoch: credentials expire by it. */
  readonly nowMs: number;
};

const STREAM_CODES = new Set([10_039, 10_059, 10_076]);
const STORAGE_CODES = new Set([10_002, 10_023, 10_028, 10_047, 10_077]);

export function natsFaultOf({ code, apiCode, creds, nowMs, isRequest = false }: NatsFailure): NatsFault {
  if (apiCode !== undefined && STORAGE_CODES.has(apiCode)) return 'storage';
  if (apiCode !== undefined && STREAM_CODES.has(apiCode)) return 'stream';
  switch (code) {
    case 'AUTHORIZATION_VIOLATION':
    case 'BAD_AUTHENTICATION':
    case 'BAD_CREDS':
    case 'AUTHENTICATION_TIMEOUT':
      return (credsExpiryMs(creds ?? '') ?? Number.POSITIVE_INFINITY) <= nowMs ? 'expired_credentials' : 'login';
    case 'AUTHENTICATION_EXPIRED':
    case 'ACCOUNT_EXPIRED':
      return 'expired_credentials';
    case 'PERMISSIONS_VIOLATION':
      return 'permission';
    case 'TLS':
    case 'SERVER_OPTION_NA':
      return 'certificate';
    case '503':
      return 'stream';
    case 'TIMEOUT':
      return isRequest ? 'no_answer' : 'unreachable';
    case 'CONNECTION_REFUSED':
    case 'CONNECTION_TIMEOUT':
    case 'DISCONNECT':
      return 'unreachable';
    default:
      return apiCode === undefined ? systemFaultOf(code) : 'other';
  }
}

/** Node's own codes: of sockets and name lookups, or of TLS. */
function systemFaultOf(code: string): NatsFault {
  if (/CERT|SELF_SIGNED|UNABLE_TO_|TLS|SSL/.test(code)) return 'certificate';
  return /^E(AI_AGAIN|CONN|HOST|NET|NOTFOUND|PIPE|TIMEDOUT)/.test(code) ? 'unreachable' : 'other';
}

/**
 * When the user of a credentials file expires.
 * @returns ms since the epoch; undefined when it never does, or the text is no such file
 */
export function credsExpiryMs(creds: string): number | undefined {
  const [, payload = ''] = /-+BEGIN NATS USER JWT-+\s+[\w-]+\.([\w-]+)\.[\w-]+\s/.exec(creds) ?? [];
  try {
    const { exp } = JSON.parse(fromBase64Url(payload));
    return typeof exp === 'number' && exp > 0 ? exp * 1_000 : undefined;
  } catch {
    return undefined;
  }
}

const BASE64URL = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';

/** A character a byte: what is read of it is ASCII. */
function fromBase64Url(text: string): string {
  let decoded = '';
  let buffer = 0;
  let bits = 0;
  for (const character of text) {
    buffer = ((buffer << 6) | BASE64URL.indexOf(character)) & 0xffff;
    bits += 6;
    if (bits >= 8) {
      bits -= 8;
      decoded += String.fromCharCode((buffer >> bits) & 0xff);
    }
  }
  return decoded;
}
