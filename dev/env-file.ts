/** Writes values in the dialect that wrangler reads (dotenv, with dotenv-expand). */

/** @throws when a value holds every kind of quote, which the format can't say */
export function formatEnvFile(values: { readonly [name: string]: string }): string {
  return Object.entries(values)
    .map(([name, value]) => `${name}=${quote(name, value)}\n`)
    .join('');
}

function quote(name: string, value: string): string {
  // Not the double quote: inside it, dotenv reads \n as a new line.
  const mark = ["'", '`'].find((candidate) => !value.includes(candidate));
  if (mark === undefined) throw new TypeError(`${name}: can't be passed to wrangler, it contains both ' and \``);
  return `${mark}${value.replaceAll('$', '\\$')}${mark}`;
}
