/** docs/runbook.md explains every alert, and no other; and what the alerts lead to is there. */
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { anchorOf, createFiles } from './files.ts';
import { ALERTS } from './groups.ts';
import { INHIBITIONS } from './inhibitions.ts';

const RUNBOOK = readFileSync(new URL('../../../docs/runbook.md', import.meta.url), 'utf8');
const NAMES = ALERTS.map(({ alert }) => alert);
const HEADINGS = [...RUNBOOK.matchAll(/^#{1,6} (.+)$/gm)].map(([, heading = '']) => heading);

/** As GitHub makes them. */
const anchors = HEADINGS.map((heading) =>
  heading
    .toLowerCase()
    .replaceAll(/[^\w -]/g, '')
    .replaceAll(' ', '-'),
);

describe('the runbook', () => {
  it('has a section for each alert, and none for an alert that is gone', () => {
    expect(HEADINGS.filter((heading) => heading.startsWith('Edgepulse')).toSorted()).toEqual(NAMES.toSorted());
  });

  it('has what each section needs: what it means, and what to do', () => {
    for (const name of NAMES) {
      const [section = ''] = RUNBOOK.split(`### ${name}\n`)[1]?.split(/^#{1,3} /m) ?? [];
      expect(section, name).toMatch(/^\n[A-Z`].+\./);
      expect(section, name).toMatch(/\*\*Do/);
    }
  });

  it('is where the links of the alerts lead', () => {
    for (const name of NAMES) expect(anchors).toContain(anchorOf(name));
  });

  it('may be elsewhere', () => {
    const rules = [...createFiles('https://wiki.example.com/runbook').values()].join('');
    expect(rules.match(/runbook_url: .*/g)).toEqual(
      expect.arrayContaining(NAMES.map((name) => `runbook_url: https://wiki.example.com/runbook#${anchorOf(name)}`)),
    );
  });

  it('leads nowhere but to its own sections', () => {
    const links = [...RUNBOOK.matchAll(/\]\(#([^)]+)\)/g)].map(([, anchor]) => anchor);
    expect(links.filter((anchor) => !anchors.includes(anchor ?? ''))).toEqual([]);
  });

  it('names no alert that does not exist', () => {
    const named = [...RUNBOOK.matchAll(/Edgepulse[A-Z]\w+/g)].map(([name]) => name);
    expect(named.filter((name) => !NAMES.includes(name))).toEqual([]);
  });
});

describe('inhibitions', () => {
  it('name alerts that exist, and none silences itself', () => {
    for (const { sources, targets } of INHIBITIONS) {
      for (const name of [...sources, ...targets]) expect(NAMES).toContain(name);
      expect(targets.filter((name) => sources.includes(name))).toEqual([]);
    }
  });
});
