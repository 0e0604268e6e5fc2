/** JSON objects whose fields have not been checked yet. */

export type Fields = { readonly [name: string]: unknown };

/** Whether a parsed JSON value is an object, and neither null nor an array. */
export function isFields(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
