import assert from 'node:assert/strict';
import { test } from 'node:test';
import { assertRefused, succeed } from '#tests/support/cli-result.ts';
import type { MiniProject } from '#tests/support/mini-project.ts';
import { COUNTS, type Json, json, sql } from './answers.ts';

const { rowsOfSplit, allRows } = COUNTS;

/** Tests of `cache ls`, `info`, `head` and `stats`. */
export function summaries(project: MiniProject): void {
  test('ls shows the cache, and that it is old when another one is asked for', async () => {
    const { schemaVersion, caches } = await json(project, 'ls');
    const [cache, ...others] = caches as readonly Json[];
    assert.deepEqual([schemaVersion, others.length], [1, 0]);
    const { state, mode, topK, temperatures, rows, provider } = cache ?? {};
    assert.deepEqual(
      { state, mode, topK, temperatures, rows, provider },
      {
        state: 'fresh',
        mode: 'top-k',
        topK: 3,
        temperatures: [1, 2],
        rows: allRows,
        provider: 'cpu',
      },
    );
    const said = await succeed(project, 'cache', 'ls', '--set', 'soft-label.topK=4');
    assert.match(said, /^[0-9a-f]{16} +old +172 +top 3 +1, 2 +\d+ kB +cpu +\d{4}-\d\d-\d\d/m);
  });

  test('info tells what manifest and footers say, and adds up', async () => {
    const info = await json(project, 'info');
    const splits = info['splits'] as readonly (Json & { rows: number; bytes: number })[];
    assert.deepEqual(
      Object.fromEntries(splits.map(({ split, rows }) => [split, rows])),
      rowsOfSplit,
    );
    const bytes = splits.reduce((sum, one) => sum + one.bytes, 0);
    assert.deepEqual([info['bytes'], info['bytesPerRow']], [bytes, bytes / allRows]);
    const { fingerprint } = info['manifest'] as { fingerprint: string };
    const said = await succeed(project, 'cache', 'info', fingerprint.slice(0, 6));
    const { teacherDigest, tokenizerDigest } = info['footer'] as Json;
    for (const part of [fingerprint, teacherDigest, tokenizerDigest, 'top 3, float32']) {
      assert.ok(said.includes(String(part)), String(part));
    }
    assert.match(said, /^all +\d+ +172 +\d+ kB +\d+\.\d$/m);
  });

  test('an unknown fingerprint is refused with those that there are', async () => {
    const result = await project.decant('cache', 'info', 'zzz');
    assertRefused(result, 2, /no cache of fingerprint "zzz"/, /choose one of [0-9a-f]{16}/);
  });

  test('head shows rows in the order of the corpus, best class first', async () => {
    const text = await succeed(
      project,
      'cache',
      'head',
      '-n',
      '4',
      '--top',
      '2',
      '--format',
      'json',
    );
    const rows = JSON.parse(text) as readonly Json[];
    const texts = await sql(project, "select text from examples where split = 'train' limit 4");
    assert.deepEqual(
      rows.map((row) => row['text']),
      texts.map((row) => row['text']),
    );
    for (const { top_names: names, top_probs: probs, kept_mass: kept } of rows) {
      const [first = 0, second = 0] = probs as number[];
      assert.deepEqual([(names as string[]).length, first >= second], [2, true]);
      assert.ok(first + second <= Number(kept) + 1e-6);
    }
    const table = await succeed(project, 'cache', 'head', '--split', 'test', '-n', '2');
    assert.match(table, /^text +gold +the teacher says +entropy +kept$/m);
    assert.match(table, /\w+ [01]\.\d{3}, \w+ 0\.\d{3}, \w+ 0\.\d{3} +\d\.\d{3} +[01]\.\d{3}$/m);
  });

  test('stats count every row once and agree with SQL', async () => {
    const stats = await json(project, 'stats');
    const splits = stats['splits'] as readonly (Json & { agreement: number })[];
    assert.deepEqual(
      Object.fromEntries(splits.map(({ split, rows }) => [split, rows])),
      rowsOfSplit,
    );
    const [asked] = await sql(
      project,
      "select avg((top_label = gold_label)::int) as share from soft_labels where split = 'test'",
    );
    assert.equal(splits.at(-1)?.agreement, asked?.['share']);
    const histograms = stats['histograms'] as readonly { name: string; bins: { rows: number }[] }[];
    assert.deepEqual(
      histograms.map(({ name }) => name),
      ['entropy_nats', 'confidence', 'margin', 'kept_mass'],
    );
    for (const { bins } of histograms) {
      assert.equal(
        bins.reduce((sum, { rows }) => sum + rows, 0),
        allRows,
      );
    }
    const said = await succeed(project, 'cache', 'stats', '--split', 'test', '--classes', '2');
    assert.match(said, /^test +36 +36 +\d+\.\d %/m);
    assert.match(said, /^confidence +rows +share +agree$/m);
    assert.match(said, /^0.9 to 1 +\u2588+/m);
    assert.match(said, /^10 more classes: --classes 12$/m);
    assert.doesNotMatch(said, /^train/m);
  });
}
