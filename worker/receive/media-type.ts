/**
 * Whether a Content-Type is one that a beacon may have. No regular expression: one that allowed for spaces
 * took time quadratic in them, and a single unauthenticated header of 125 kB blocked an isolate for 4.4 s.
 */

/** The longest usual value has 31 characters; what is longer is rejected before anybody looks at it. */
const LENGTH_MAX = 128;
/** What browsers send, so that the usual request needs no parsing. */
const USUAL = new Set(['text/plain;charset=UTF-8', 'application/json', 'text/plain']);
const TYPES = new Set(['text/plain', 'application/json']);
const CHARSETS = new Set(['utf-8', '"utf-8"', 'us-ascii', '"us-ascii"']);

/** True for text/plain and application/json, with no parameter but a charset that is UTF-8 or a subset of it. */
export function isBeaconMediaType(value: string): boolean {
  if (value.length > LENGTH_MAX) return false;
  if (USUAL.has(value)) return true;
  const [type = '', ...parameters] = value.toLowerCase().split(';');
  return TYPES.has(type.trim()) && parameters.every(isAcceptedParameter);
}

function isAcceptedParameter(parameter: string): boolean {
  // RFC 9110, 5.6.6: a parameter may be empty, as in "text/plain;".
  if (parameter.trim() === '') return true;
  const [name = '', value = '', ...rest] = parameter.split('=');
  return name.trim() === 'charset' && CHARSETS.has(value.trim()) && rest.length === 0;
}
