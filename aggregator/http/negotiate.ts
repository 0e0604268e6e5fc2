/** What a request's `Accept` and `Accept-Encoding` ask for (RFC 9110, 12.5). Pure. */

type Range = { readonly name: string; readonly parameters: ReadonlyMap<string, string>; readonly q: number };

/** True only for a client that names OpenMetrics 1.0 and does not prefer text; all others get text 0.0.4. */
export function wantsOpenMetrics(accept: string | undefined): boolean {
  const ranges = parse(accept);
  const openMetrics = best(ranges, ['application/openmetrics-text'], '1.0.0');
  const text = best(ranges, ['text/plain', 'text/*', '*/*'], '0.0.4');
  return openMetrics > 0 && openMetrics >= text;
}

/** True only for a client that names Prometheus' protobuf format and prefers it, as one with native histograms does. */
export function wantsProtobuf(accept: string | undefined): boolean {
  const ranges = parse(accept);
  const weights = ranges.filter(isDelimitedProtobuf).map(({ q }) => q);
  const protobuf = Math.max(0, ...weights);
  const others = ranges.filter((range) => !isDelimitedProtobuf(range)).map(({ q }) => q);
  return protobuf > 0 && protobuf >= Math.max(0, ...others);
}

function isDelimitedProtobuf({ name, parameters }: Range): boolean {
  return (
    name === 'application/vnd.google.protobuf' &&
    parameters.get('proto') === 'io.prometheus.client.metricfamily' &&
    parameters.get('encoding') === 'delimited'
  );
}

export function wantsGzip(acceptEncoding: string | undefined): boolean {
  const ranges = parse(acceptEncoding);
  const named = ranges.find(({ name }) => name === 'gzip' || name === 'x-gzip');
  const range = named ?? ranges.find(({ name }) => name === '*');
  return range !== undefined && range.q > 0;
}

/** The highest weight of the ranges that have one of the names, and either no version or ours. */
function best(ranges: readonly Range[], names: readonly string[], version: string): number {
  let q = 0;
  for (const range of ranges) {
    const asked = range.parameters.get('version') ?? version;
    if (names.includes(range.name) && asked === version) q = Math.max(q, range.q);
  }
  return q;
}

function parse(header = ''): Range[] {
  return header.split(',').flatMap((item): Range[] => {
    const [name = '', ...rest] = item.split(';').map((part) => part.trim().toLowerCase());
    if (name === '') return [];
    const parameters = new Map(
      rest.map((parameter): [string, string] => {
        const [key = '', value = ''] = parameter.split('=');
        return [key.trim(), value.trim().replace(/^"(.*)"$/, '$1')];
      }),
    );
    const q = Number(parameters.get('q') ?? 1);
    return [{ name, parameters, q: q >= 0 && q <= 1 ? q : 0 }];
  });
}
