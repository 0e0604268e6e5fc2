/** What people in a room say to each other, as JSON. What comes from others is checked here, once. Pure. */

/** Who is there, every few seconds. */
export type Hello = { readonly type: 'hello'; readonly name: string; readonly audio: boolean; readonly video: boolean };
/** The sender leaves now. */
export type Bye = { readonly type: 'bye' };
/** Everybody hears what is meant for one of them, and leaves it alone. */
export type Description = {
  readonly type: 'description';
  readonly to: string;
  readonly description: { readonly type: 'offer' | 'answer'; readonly sdp: string };
};
export type Candidate = {
  readonly type: 'candidate';
  readonly to: string;
  /** Null: that was the last one. */
  readonly candidate: RTCIceCandidateInit | null;
};

/** The sender had given somebody up who is back, and begins a new connection with them. */
export type Again = { readonly type: 'again'; readonly to: string };

/** What one session says about its connection to another. */
export type Negotiated = Description | Candidate;
/** The same before it is known to whom. */
export type Unaddressed = Omit<Description, 'to'> | Omit<Candidate, 'to'>;
export type Message = Hello | Bye | Again | Negotiated;

export const NAME_MAX = 40;
/** Chromium's descriptions of a call of two have about 6 kB. */
const BYTES_MAX = 64_000;

export function encodeMessage(message: Message): string {
  return JSON.stringify(message);
}

/** @returns undefined for anything that is not a message; members that a message does not have are left out */
export function decodeMessage(data: Uint8Array): Message | undefined {
  if (data.length > BYTES_MAX) return undefined;
  const fields = parse(data);
  switch (fields?.type) {
    case 'hello':
      return decodeHello(fields);
    case 'bye':
      return { type: 'bye' };
    case 'again':
      return typeof fields.to === 'string' ? { type: 'again', to: fields.to } : undefined;
    case 'description':
      return decodeDescription(fields);
    case 'candidate':
      return decodeCandidate(fields);
    default:
      return undefined;
  }
}

type Fields = { readonly [member: string]: unknown };

function parse(data: Uint8Array): Fields | undefined {
  try {
    return asFields(JSON.parse(new TextDecoder().decode(data)));
  } catch {
    return undefined;
  }
}

function asFields(value: unknown): Fields | undefined {
  return typeof value === 'object' && value !== null ? (value as Fields) : undefined;
}

function decodeHello({ name, audio, video }: Fields): Hello | undefined {
  if (typeof name !== 'string' || typeof audio !== 'boolean' || typeof video !== 'boolean') return undefined;
  return { type: 'hello', name: name.trim().slice(0, NAME_MAX) || 'somebody', audio, video };
}

function decodeDescription({ to, description }: Fields): Description | undefined {
  const { type, sdp } = asFields(description) ?? {};
  if (typeof to !== 'string' || typeof sdp !== 'string' || (type !== 'offer' && type !== 'answer')) return undefined;
  return { type: 'description', to, description: { type, sdp } };
}

function decodeCandidate({ to, candidate }: Fields): Candidate | undefined {
  if (typeof to !== 'string') return undefined;
  if (candidate === null) return { type: 'candidate', to, candidate };
  const fields = asFields(candidate);
  if (typeof fields?.candidate !== 'string') return undefined;
  const { sdpMid, sdpMLineIndex, usernameFragment } = fields;
  return {
    type: 'candidate',
    to,
    candidate: {
      candidate: fields.candidate,
      ...(typeof sdpMid === 'string' ? { sdpMid } : {}),
      ...(typeof sdpMLineIndex === 'number' ? { sdpMLineIndex } : {}),
      ...(typeof usernameFragment === 'string' ? { usernameFragment } : {}),
    },
  };
}
