/**
 * One scrape of /metrics as tests read it. The text has to be what format 0.0.4 allows as a whole, so
 * that every test that reads metrics checks the exposition too; a single line is exposition-text.ts's.
 * https://prometheus.io/docs/instrumenting/exposition_formats/
 */
import { parseMetrics, pick, type Sample } from './exposition-text.ts';

type Labels = Record<string, string>;

export type Scrape = {
  readonly samples: readonly Sample[];
  /** Type of each family that has a TYPE line. */
  readonly types: ReadonlyMap<string, string>;
  /** Samples of that name whose labels include all the given ones. */
  all(name: string, labels?: Labels): Sample[];
  /** The one such sample's value; undefined when there is none. @throws when there are several */
  value(name: string, labels?: Labels): number | undefined;
  /** Of all such samples; 0 when the family has none such. @throws when there is no such family: 0 would be a guess */
  sum(name: string, labels?: Labels): number;
};

export async function scrape(url: string, headers: Record<string, string> = {}): Promise<Scrape> {
  const response = await fetch(url, { headers });
  const text = await response.text();
  if (response.status !== 200) throw new Error(`${url} answers ${response.status}: ${text.slice(0, 200)}`);
  return parseScrape(text);
}

const TYPES = ['counter', 'gauge', 'histogram', 'summary', 'untyped'];
const COMMENT = /^# (HELP|TYPE) ([a-zA-Z_:][a-zA-Z0-9_:]*)(?: (.*))?$/;

/** @throws with the line that breaks the format */
export function parseScrape(text: string): Scrape {
  if (!text.endsWith('\n')) throw new SyntaxError('the last line does not end');
  const samples: Sample[] = [];
  const types = new Map<string, string>();
  const helped = new Set<string>();
  const seen = new Set<string>();
  const together = createFamilyOrder();
  for (const line of text.slice(0, -1).split('\n')) {
    const [, kind, family = '', rest = ''] = COMMENT.exec(line) ?? [];
    if (kind === undefined) {
      const sample = parseSample(line);
      const key = sample.name + JSON.stringify(Object.entries(sample.labels).sort());
      if (seen.has(key)) fail(line);
      seen.add(key);
      together(familyOf(sample.name, types), line);
      samples.push(sample);
      continue;
    }
    const isRepeat = kind === 'TYPE' ? types.has(family) : helped.has(family);
    const isWrong = kind === 'TYPE' ? !TYPES.includes(rest) : /\\[^\\n]|\\$/.test(rest.replaceAll('\\\\', ''));
    if (isRepeat || isWrong) fail(line);
    if (kind === 'TYPE') types.set(family, rest);
    else helped.add(family);
    together(family, line);
  }
  return toScrape(samples, types);
}

function parseSample(line: string): Sample {
  // One line must be one sample: neither blank nor a comment of another format.
  const [sample] = line.startsWith('#') ? [] : parseMetrics(line);
  return sample ?? fail(line);
}

/** All lines of a family stand together. */
function createFamilyOrder(): (family: string, line: string) => void {
  const done = new Set<string>();
  let current = '';
  return (family, line) => {
    if (family === current) return;
    if (done.has(family)) fail(line);
    done.add(family);
    current = family;
  };
}

function familyOf(name: string, types: ReadonlyMap<string, string>): string {
  const base = name.replace(/_(bucket|sum|count)$/, '');
  const type = types.get(base);
  return type === 'histogram' || type === 'summary' ? base : name;
}

function toScrape(samples: readonly Sample[], types: ReadonlyMap<string, string>): Scrape {
  const all = (name: string, labels: Labels = {}) => pick(samples, name, labels);
  return {
    samples,
    types,
    all,
    value(name, labels) {
      const found = all(name, labels);
      if (found.length > 1) throw new Error(`${found.length} samples of ${name} ${JSON.stringify(labels ?? {})}`);
      return found[0]?.value;
    },
    sum(name, labels) {
      if (!types.has(familyOf(name, types))) throw new Error(`no family of ${name}`);
      return all(name, labels).reduce((sum, { value }) => sum + value, 0);
    },
  };
}

function fail(line: string): never {
  throw new SyntaxError(`not in the text format: ${line}`);
}
