/** Parts of wrangler.toml as it was parsed, unchecked. */
export type Table = { readonly [name: string]: unknown };

/** The table of that path; empty where there is none. */
export function tableAt(table: Table, ...names: string[]): Table {
  let at: unknown = table;
  for (const name of names) at = typeof at === 'object' && at !== null ? (at as Table)[name] : undefined;
  return typeof at === 'object' && at !== null ? (at as Table) : {};
}

/** A list of tables; empty where there is none. */
export function tablesAt(table: Table, ...names: string[]): readonly Table[] {
  const last = names.at(-1) ?? '';
  const list = tableAt(table, ...names.slice(0, -1))[last];
  return Array.isArray(list) ? list.filter((one) => typeof one === 'object' && one !== null) : [];
}

/** An environment of wrangler.toml. `path` is how messages name it; the top level's is empty. */
export type Environment = { readonly name: string; readonly path: string; readonly table: Table };

/** The top level first, which is development's. */
export function environmentsOf(wrangler: Table): readonly Environment[] {
  const named = Object.keys(tableAt(wrangler, 'env')).map((name) => ({
    name,
    path: `env.${name}.`,
    table: tableAt(wrangler, 'env', name),
  }));
  return [{ name: 'development', path: '', table: wrangler }, ...named];
}
