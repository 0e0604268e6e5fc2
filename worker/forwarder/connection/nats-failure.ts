/** Failures of NATS as the Forwarder logs them: which fault it is and what to do about it; never an address or a secret. */
import { NatsError } from 'nats/lib/nats-base-client/internal_mod.js';
import { type NatsFault, natsFaultOf } from '../../../shared/nats-faults.ts';
import type { Credentials } from '../../nats-access.ts';

export type NatsFailureFields = {
  /** The client's or server's error code, never a message, which may contain an address. */
  readonly error: string;
  readonly fault: NatsFault;
  /** What workerd says is wrong with a certificate. */
  readonly detail?: string;
  readonly hint: string;
};

const HINTS: { readonly [Fault in NatsFault]: string } = {
  unreachable: 'check the NATS servers in REGIONS, and that they run and can be reached from the edge',
  // Through an account's import, a publish that no stream takes is not refused: it is never answered.
  no_answer: 'check that the stream HEALTH is there with the subjects health.diagnostics.>, and the log of nats-server',
  certificate:
    'check that nats-server offers TLS if REGIONS says tls://, with a certificate of that name, not expired, of a CA that the edge trusts (docs/security.md)',
  login: 'check the secret NATS_CREDS_{REGION}, or the user and password in the NATS URLs',
  expired_credentials: 'make new credentials for the region and deploy them as the secret NATS_CREDS_{REGION}',
  permission: "grant it to the NATS user of the region's Forwarders; deploy/nats/accounts.conf lists what it needs",
  stream: 'create the stream HEALTH with the subjects health.diagnostics.> there, and enable JetStream',
  storage: 'make room for JetStream, or raise max_file_store in nats-server; beacons are spooled meanwhile',
  other: 'check the log of nats-server',
};

/** Why a connection failed, or what the server says of it. */
export function describeFailure(error: unknown, credentials: Credentials | undefined): NatsFailureFields {
  return describe(error, { credentials, isRequest: false });
}

/** Why a publish failed. */
export function describePublishFailure(error: unknown): NatsFailureFields {
  return describe(error, { credentials: undefined, isRequest: true });
}

type Circumstances = { readonly credentials: Credentials | undefined; readonly isRequest: boolean };

function describe(error: unknown, { credentials, isRequest }: Circumstances): NatsFailureFields {
  const code = codeOf(error);
  const fault = natsFaultOf({
    code: error instanceof NatsError ? error.code : code,
    apiCode: error instanceof NatsError ? error.api_error?.err_code : undefined,
    creds: credentials?.kind === 'creds' ? credentials.text : undefined,
    isRequest,
    nowMs: Date.now(),
  });
  const detail = fault === 'certificate' ? certificateProblem(error) : undefined;
  return { error: code, fault, ...(detail === undefined ? {} : { detail }), hint: HINTS[fault] };
}

function codeOf(error: unknown): string {
  if (error instanceof NatsError) return String(error.api_error?.err_code ?? error.code);
  return error instanceof Error ? error.name : 'unknown';
}

/** workerd: `TLS peer's certificate is not trusted; reason = self-signed certificate in certificate chain`. */
function certificateProblem(error: unknown): string | undefined {
  const cause = error instanceof NatsError ? error.chainedError : error;
  return cause instanceof Error ? /reason = ([a-z][a-z -]{0,99})/i.exec(cause.message)?.[1] : undefined;
}
