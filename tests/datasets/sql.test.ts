import assert from 'node:assert/strict';
import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { withSql } from '#datasets/sql.ts';
import { askSession } from '#tests/support/ask-sql.ts';
import { duckdb } from '#tests/support/duckdb.ts';
import { failingWith, failureOf } from '#tests/support/failure.ts';
import { temporaryFolder } from '#tests/support/temporary-folder.ts';

const folder = temporaryFolder('decant-sql');
const known = join(folder, 'known.json');
writeFileSync(known, '{ "n": 1 }\n');
const views = [{ name: 'v', paths: [known], select: `SELECT n FROM read_json('${known}')` }];

test('a SELECT in any form is answered', async () => {
  await withSql(views, async (session) => {
    for (const sql of ['select n from v', 'from v', '(select 1);', 'with a as (from v) from a']) {
      assert.deepEqual(await askSession(session, sql), [[1]], sql);
    }
    assert.deepEqual(await askSession(session, ' -- why\n/* so */ select 1 -- end'), [[1]]);
    assert.equal((await askSession(session, 'from range(5000)')).length, 5000);
    assert.deepEqual(await askSession(session, 'from range(0)'), []);
  });
});

const refused: readonly (readonly [sql: string, says: RegExp])[] = [
  ["COPY (select 1) TO 'x.csv'", /file system operations are disabled|only SELECT/],
  ["EXPORT DATABASE 'x'", /file system operations are disabled|only SELECT/],
  ["ATTACH 'x.db'", /type ATTACH: only SELECT/],
  ['PRAGMA version', /PRAGMA: only SELECT/],
  ['/* a */ -- b\n pragma database_list', /PRAGMA: only SELECT/],
  ['PRAGMA threads = 1', /PRAGMA: only SELECT/],
  ['CALL pragma_version()', /only SELECT/],
  ['SET threads = 4', /type SET: only SELECT/],
  ['INSTALL httpfs', /only SELECT/],
  ['CREATE TABLE t AS SELECT 1', /type CREATE: only SELECT/],
  ['SELECT 1; SELECT 2', /2 statements: one is allowed/],
  ["SELECT 1) TO 'x.parquet' (FORMAT parquet); --", /syntax error/],
  ["SELECT * FROM read_text('/etc/passwd')", /Cannot access file "\/etc\/passwd"/],
  ["SELECT * FROM '/etc/passwd'", /does not exist|Cannot access/],
  ["SELECT * FROM glob('/etc/*')", /Cannot access/],
  ['', /no statement/],
  [' -- nothing', /no statement/],
];

test('everything else is refused, also where an answer goes to a file', async () => {
  const output = join(folder, 'refused.parquet');
  await withSql(
    views,
    async (session) => {
      for (const [sql, says] of refused) {
        for (const work of [() => session.query(sql), () => session.writeParquet(sql)]) {
          const failure = await failureOf(work());
          assert.equal(failure.code, 'E_SQL', sql);
          assert.equal(failure.kind, 'usage');
          assert.match(failure.message, says, sql);
        }
      }
    },
    { output },
  );
  assert.ok(!existsSync(output));
});

test('Parquet is written to the output file and nowhere else', async () => {
  const output = join(folder, "it's.parquet");
  const sql = `SELECT 1 AS a, [1.5::FLOAT, NULL] AS b, 'x' AS c, sum(n) AS d FROM v; -- end`;
  await assert.rejects(
    withSql(views, (session) => session.writeParquet(sql), { output }),
    failingWith('E_SQL'),
  );
  const plain = sql.replace('; -- end', ' -- end');
  await withSql(views, (session) => session.writeParquet(plain), { output });
  const file = `'${output.replace("'", "''")}'`;
  assert.deepEqual(await duckdb(`SELECT a, b, c, d FROM read_parquet(${file})`), [
    [1, [1.5, null], 'x', 1],
  ]);
});

test('a mistake that shows while rows are read is told as one of the query', async () => {
  await withSql(views, async (session) => {
    const late = askSession(
      session,
      "SELECT CASE WHEN range < 5000 THEN 1 ELSE error('late') END FROM range(9000)",
    );
    await assert.rejects(late, failingWith('E_SQL', 'late'));
  });
});
