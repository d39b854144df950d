import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { tableFromIPC } from 'apache-arrow';
import { assertRefused, succeed } from '#tests/support/cli-result.ts';
import { duckdb } from '#tests/support/duckdb.ts';
import type { MiniProject } from '#tests/support/mini-project.ts';
import { decantProgram } from '#tests/support/paths.ts';
import { COUNTS, type Json } from './answers.ts';

const { rowsOfSplit, allRows } = COUNTS;

/** Tests of `cache export`. */
export function exports(project: MiniProject): void {
  test('all formats hold the same rows', async () => {
    const columns = 'example_id,text,gold_label,top_names,confidence';
    const where = "split = 'validation' and confidence > 0 -- all of them";
    const files = new Map<string, string>();
    for (const ending of ['arrow', 'parquet', 'csv', 'jsonl']) {
      files.set(ending, project.path('exported', `cache.${ending}`));
      const to = ['--output', project.path('exported', `cache.${ending}`)];
      await succeed(project, 'cache', 'export', '--columns', columns, '--where', where, ...to);
    }
    const query = `select ${columns} from '${files.get('parquet')}'`;
    const expected = await duckdb(query);
    assert.equal(expected.length, rowsOfSplit.validation);
    assert.deepEqual(await duckdb(`select ${columns} from '${files.get('jsonl')}'`), expected);
    const names = columns.split(',');
    const arrow = tableFromIPC(readFileSync(files.get('arrow') ?? ''));
    assert.deepEqual(
      arrow
        .toArray()
        .map((row: Json) =>
          names.map((name) => (name === 'top_names' ? [...(row[name] as string[])] : row[name])),
        ),
      expected,
    );
    const csv = readFileSync(files.get('csv') ?? '', 'utf8');
    assert.equal(csv.split('\r\n').length, rowsOfSplit.validation + 2);
  });

  test('stdout takes every format, Arrow as a stream, and the same bytes every time', () => {
    const script = `node '${decantProgram}' cache export --columns example_id,text`;
    const piped = (format: string, behind: string) =>
      execFileSync('sh', ['-c', `${script} --format ${format} | ${behind}`], {
        cwd: project.folder,
        maxBuffer: 1 << 26,
      });
    const arrow = piped('arrow', 'cat');
    assert.equal(tableFromIPC(arrow).numRows, allRows);
    assert.deepEqual(piped('arrow', 'cat'), arrow);
    assert.equal(piped('parquet', 'head -c 4').toString(), 'PAR1');
    // A reader that has had enough is no failure.
    assert.match(piped('jsonl', 'head -n 1').toString(), /^\{"example_id":"[0-9a-f]{32}","text":/);
  });

  test('a text that a spreadsheet would run is quoted, unless it is asked for as it is', async () => {
    const query = ["select '=1+1' as a, '@x' as b, -1 as c, 'a,\"b' as d", '--format', 'csv'];
    assert.equal(
      await succeed(project, 'cache', 'sql', ...query),
      `a,b,c,d\r\n'=1+1,'@x,-1,"a,""b"\r\n`,
    );
    assert.equal(
      await succeed(project, 'cache', 'sql', ...query, '--no-spreadsheet-safe'),
      `a,b,c,d\r\n=1+1,@x,-1,"a,""b"\r\n`,
    );
  });

  test('what cannot be exported is refused with the way out', async () => {
    const refused: readonly (readonly [args: string[], says: RegExp])[] = [
      [[], /neither --format nor --output.*\n.*say --format arrow\|parquet/],
      [['--output', 'x.xls'], /the ending of x.xls says no format/],
      [['--format', 'csv', '--columns', 'txt'], /no column "txt"; did you mean text\?/],
      [['--format', 'csv', '--where', 'nope = 1'], /"nope" not found/],
      [['--format', 'csv', '--where', '1 = 1; drop view classes'], /syntax error/],
      [['--format', 'csv', '--output', '.'], /\. is a folder/],
    ];
    for (const [args, says] of refused) {
      const result = await project.decant('cache', 'export', ...args);
      assertRefused(result, 2, says);
      assert.equal(result.stdout, '');
    }
  });
}
