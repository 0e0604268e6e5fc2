/**
 * A number as V8 keeps it in 8 bytes of a record. What is read from a Float64Array is a double even where it is whole,
 * and a double in a record takes 16 more, for a box: five of them made a session 100 bytes larger.
 */
export function unboxed(value: number): number {
  const small = value | 0;
  return small === value ? small : value;
}
