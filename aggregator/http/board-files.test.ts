import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { readBoard } from './board-files.ts';

const folder = mkdtempSync(join(tmpdir(), 'edgepulse-board-'));
afterAll(() => rmSync(folder, { recursive: true }));

it('reads the page and its assets, and no sources', () => {
  mkdirSync(join(folder, 'assets'));
  writeFileSync(join(folder, 'index.html'), '<!doctype html>');
  writeFileSync(join(folder, 'assets', 'board.js'), 'start();');
  writeFileSync(join(folder, 'board.ts'), 'start();');
  writeFileSync(join(folder, 'board.test.js'), 'start();');
  const board = readBoard(folder);
  expect([...board.keys()].sort()).toEqual(['/', '/assets/board.js', '/vendor/uplot.css', '/vendor/uplot.js']);
  expect(`${board.get('/vendor/uplot.js')?.body}`).toContain('var uPlot=');
  expect(board.get('/')).toMatchObject({
    contentType: 'text/html; charset=utf-8',
    body: Buffer.from('<!doctype html>'),
  });
  expect(board.get('/')?.etag).not.toBe(board.get('/assets/board.js')?.etag);
});

it('is empty when there is no folder', () => {
  expect(readBoard(join(folder, 'none')).size).toBe(0);
});
