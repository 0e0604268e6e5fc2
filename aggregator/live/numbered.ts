/** A closed set of names as consecutive numbers, for what is kept in arrays and read by name. */
export type Numbered<Name extends string> = { readonly [K in Name]: number };

/** @example numbered(['rtt', 'loss'], 4).loss // 5 */
export function numbered<Name extends string>(names: readonly Name[], first = 0): Numbered<Name> {
  const numbers: { [name: string]: number } = {};
  for (const [i, name] of names.entries()) numbers[name] = first + i;
  return Object.freeze(numbers) as Numbered<Name>;
}
