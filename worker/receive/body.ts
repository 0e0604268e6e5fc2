/**
 * A request's body as text: media type, content encoding, size and time are all bounded before anything is
 * parsed. The limit holds for the bytes on the wire and for the bytes that they inflate to.
 */
import { gunzipSync } from 'node:zlib';
import { LIMITS } from '../../shared/beacon.ts';
import { accept, type Reject, type Result, reject } from '../../shared/reject.ts';
import type { RequestTimer } from '../forward/deadline.ts';
import { isBeaconMediaType } from './media-type.ts';

/**
 * What workerd's inflater may hold. It bounds a buffer that grows by doubling, not its output: the limit itself
 * as the bound would reject bodies from 48 KiB on.
 */
const INFLATING_BYTES_MAX = 128 * 1024;

/** A body that takes longer is rejected, so that slow senders occupy nothing. */
export const BODY_DEADLINE_MS = 10_000;

/** The longest name that is accepted has 8 characters; a longer header is rejected unread. */
const ENCODING_LENGTH_MAX = 16;

const TOO_LARGE = reject('body_too_large', `the body has more than ${LIMITS.bodyBytes} bytes`);
const INCOMPLETE = reject('incomplete_body', 'the body did not arrive whole');

const UNSUPPORTED_MEDIA_TYPE = reject(
  'unsupported_media_type',
  'content-type is neither text/plain nor application/json in UTF-8',
);
const UNSUPPORTED_ENCODING = reject('unsupported_encoding', 'content-encoding is not gzip');

const REPLACEMENT = '\uFFFD';
const utf8 = new TextDecoder();

/** The body's text, inflated. Rejects what is too large, too slow, cut off, or of another type or encoding. */
export async function readBody(request: Request, timer: RequestTimer): Promise<Result<string>> {
  const { headers } = request;
  if (!isBeaconMediaType(headers.get('content-type') ?? '')) return UNSUPPORTED_MEDIA_TYPE;
  const encoding = encodingOf(headers.get('content-encoding'));
  if (encoding === undefined) return UNSUPPORTED_ENCODING;
  const plain = encoding === 'identity';
  const length = headers.get('content-length');
  if (Number(length) > LIMITS.bodyBytes) return TOO_LARGE;
  // HTTP delivers no more than the declared length, so that a plain body needs no counting.
  if (plain && length !== null) return timer.within(readText(request), BODY_DEADLINE_MS, INCOMPLETE);
  const bytes = await timer.within(readStream(request), BODY_DEADLINE_MS, INCOMPLETE);
  if (!bytes.ok) return bytes;
  const inflated = plain ? bytes : gunzip(bytes.value);
  return inflated.ok ? checkText(utf8.decode(inflated.value)) : inflated;
}

function encodingOf(header: string | null): 'identity' | 'gzip' | undefined {
  if (header === null) return 'identity';
  if (header.length > ENCODING_LENGTH_MAX) return undefined;
  const encoding = header.trim().toLowerCase();
  if (encoding === '' || encoding === 'identity') return 'identity';
  return encoding === 'gzip' || encoding === 'x-gzip' ? 'gzip' : undefined;
}

async function readText(request: Request): Promise<Result<string>> {
  try {
    return checkText(await request.text());
  } catch {
    return INCOMPLETE;
  }
}

async function readStream(request: Request): Promise<Result<Uint8Array>> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  try {
    for await (const chunk of request.body ?? []) {
      size += chunk.byteLength;
      // Leaving the loop cancels the stream.
      if (size > LIMITS.bodyBytes) return TOO_LARGE;
      chunks.push(chunk);
    }
  } catch {
    return INCOMPLETE;
  }
  const bytes = new Uint8Array(size);
  let offset = 0;
  for (const chunk of chunks) {
    bytes.set(chunk, offset);
    offset += chunk.byteLength;
  }
  return accept(bytes);
}

/** Inflates little more than is allowed, whatever the input promises. */
function gunzip(bytes: Uint8Array): Result<Uint8Array> {
  try {
    const inflated = gunzipSync(bytes, { maxOutputLength: INFLATING_BYTES_MAX });
    return inflated.byteLength > LIMITS.bodyBytes ? TOO_LARGE : accept(inflated);
  } catch (error) {
    // Whatever is wrong with the stream itself is an Error of another kind.
    return error instanceof RangeError ? TOO_LARGE : reject('damaged_encoding', 'the body is not a whole gzip stream');
  }
}

/** Damaged UTF-8 decodes to replacement characters, which JSON takes and a beacon has no use for. */
function checkText(text: string): Result<string> {
  return text.includes(REPLACEMENT) ? reject('malformed_json', 'the body is not UTF-8') : accept(text);
}

/** The body's JSON value. Any depth is safe: V8's parser keeps its own stack. */
export function parseJson(text: string): Result<unknown> {
  try {
    return accept(JSON.parse(text));
  } catch {
    return malformed(text);
  }
}

function malformed(text: string): Reject {
  return reject('malformed_json', text === '' ? 'the body is empty' : 'the body is not JSON');
}
