/** A line of what another process sent. */

/** Undefined where it is not JSON: anything may have come. */
export function parseLine(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
