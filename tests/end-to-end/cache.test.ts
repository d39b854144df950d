import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync, truncateSync } from 'node:fs';
import { join } from 'node:path';
import { before, describe, test } from 'node:test';
import { tableFromIPC } from 'apache-arrow';
import { lockStore } from '#cache/lock.ts';
import { assertRefused, succeed } from '#tests/support/cli-result.ts';
import { duckdb } from '#tests/support/duckdb.ts';
import { repository } from '#tests/support/paths.ts';
import { smallProject } from '#tests/support/small-project.ts';
import { cacheFolderOf } from '#tests/support/soft-label-cache.ts';

type Json = Readonly<Record<string, unknown>>;

const project = smallProject({
  variants: { distilled: {}, relabelled: { initFrom: 'distilled', labels: 'hard-relabel' } },
  'hard-relabel': { student: 'distilled', minConfidence: 0.1 },
});
const rowsOfSplit = { train: 100, validation: 36, test: 36 };
const allRows = 172;

async function json(...args: readonly string[]): Promise<Json> {
  return JSON.parse(await succeed(project, 'cache', ...args, '--json')) as Json;
}

async function sql(query: string): Promise<Json[]> {
  return JSON.parse(await succeed(project, 'cache', 'sql', '--format', 'json', query)) as Json[];
}

before(async () => {
  await succeed(project, 'run', '--quiet');
});

describe('ls and info', () => {
  test('ls shows the cache, and that it is old when another one is asked for', async () => {
    const { schemaVersion, caches } = await json('ls');
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
    const info = await json('info');
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
});

describe('head and stats', () => {
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
    const texts = await sql("select text from examples where split = 'train' limit 4");
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
    const stats = await json('stats');
    const splits = stats['splits'] as readonly (Json & { agreement: number })[];
    assert.deepEqual(
      Object.fromEntries(splits.map(({ split, rows }) => [split, rows])),
      rowsOfSplit,
    );
    const [asked] = await sql(
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
});

describe('sql', () => {
  test('all six views are there and can be asked', async () => {
    const said = await succeed(project, 'cache', 'sql');
    for (const view of VIEWS) {
      assert.match(said, new RegExp(`^${view} +\\w`, 'm'));
    }
    const [counts] = await sql(
      `select ${VIEWS.map((view) => `(select count(*) from ${view}) as ${view}`).join(', ')}`,
    );
    const { examples, labels, classes, soft_labels: softLabels } = counts ?? {};
    assert.deepEqual([examples, labels, classes, softLabels], [allRows, 132, 12, allRows]);
    assert.ok(Number(counts?.['hard_labels']) > 0);
    // Two students: train and validation from the trainer, test from evaluate; the teacher: test only.
    assert.equal(counts?.['predictions'], 2 * allRows + rowsOfSplit.test);
  });

  test('gold is exact where it is kept, and bounded by the rest where it is not', async () => {
    const rows = await sql(`
      select gold_label, gold_kept, gold_log_prob, list_contains(top_names, gold_label) as found,
             list_position(top_names, gold_label) as place, top_probs, kept_mass,
             tail_log_mass_t1 as tail, confidence, margin
      from soft_labels where gold_label is not null`);
    for (const row of rows) {
      const probs = row['top_probs'] as number[];
      assert.equal(row['gold_kept'], row['found']);
      const exact = Math.log(probs[Number(row['place']) - 1] ?? NaN);
      const bound = Math.min(Number(row['tail']), Math.log(probs.at(-1) ?? NaN));
      near(Number(row['gold_log_prob']), row['gold_kept'] === true ? exact : bound);
      near(
        Number(row['kept_mass']),
        probs.reduce((sum, p) => sum + p, 0),
      );
      near(Number(row['confidence']) - Number(row['margin']), probs[1] ?? NaN);
    }
    assert.equal(rows.length, 132);
    const [unlabelled] = await sql(
      'select count(*) as rows, count(gold_log_prob) + count(gold_kept) as known from soft_labels where gold_label is null',
    );
    assert.deepEqual(unlabelled, { rows: 40, known: 0 });
  });

  test('an answer goes to a file in any format, and stdout stays empty', async () => {
    const query = 'select class_id, class_name, [class_id] as ids from classes order by class_id';
    const answer = async (format: string) => {
      const file = project.path('answers', `classes.${format}`);
      const to = ['--format', format, '--output', file];
      assert.equal(await succeed(project, 'cache', 'sql', query, ...to), '');
      return readFileSync(file);
    };
    const objects = JSON.parse((await answer('json')).toString()) as Json[];
    assert.deepEqual(objects[1], { class_id: 1, class_name: 'card_delivery_estimate', ids: [1] });
    assert.equal(
      tableFromIPC(await answer('arrow')).get(1)?.['class_name'],
      objects[1]?.['class_name'],
    );
    await answer('parquet');
    const parquet = await duckdb(`from '${project.path('answers', 'classes.parquet')}' limit 1`);
    assert.deepEqual(parquet, [[0, 'card_arrival', [0]]]);
  });

  test('anything but one SELECT is refused', async () => {
    const output = ['--format', 'parquet', '--output', project.path('refused')];
    for (const query of ["copy (select 1) to 'x'", 'select 1; select 2']) {
      assertRefused(await project.decant('cache', 'sql', query, ...output), 2, /E_SQL/);
    }
    assert.ok(!existsSync(project.path('refused')));
  });
});

describe('export', () => {
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
    const script = `node '${join(repository, 'pipeline', 'decant.mjs')}' cache export --columns example_id,text`;
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
});

test('nothing of it needs the store to itself, TensorFlow or ONNX Runtime', async () => {
  const lock = await lockStore(project.path('.decant', 'lock'), { waitMs: 0 });
  try {
    const commands = [
      ['ls'],
      ['info'],
      ['head'],
      ['stats'],
      ['verify'],
      ['sql', 'select 1'],
      ['export', '--format', 'csv'],
    ];
    for (const command of commands) {
      assert.deepEqual(nativeLibraries(command), [], command.join(' '));
    }
  } finally {
    lock.release();
  }
});

test('a dense cache reads alike: all classes are ranked, gold is always kept', async () => {
  const store = ['--store', project.path('dense'), '--set', 'soft-label.keep=all'];
  await succeed(project, 'run', '--to', 'soft-label', '--quiet', ...store);
  const query = `
    select count(*) as rows, bool_and(len(top_ids) = 12 and list_sort(top_ids) = range(12)) as ranked,
           bool_and(top_logits = list_reverse_sort(logits)) as sorted, bool_and(gold_kept) as kept,
           min(kept_mass) as mass, max(abs(list_sum(top_probs) - 1)) < 1e-5 as whole
    from soft_labels`;
  const said = await succeed(project, 'cache', 'sql', '--format', 'jsonl', query, ...store);
  assert.deepEqual(JSON.parse(said), {
    rows: allRows,
    ranked: true,
    sorted: true,
    kept: true,
    mass: 1,
    whole: true,
  });
  assert.match(
    await succeed(project, 'cache', 'stats', ...store),
    /^test +36 +36 .* 1\.0000 +100\.0 %$/m,
  );
  const checked = ['verify', '--against-teacher', '--sample', '5%', ...store];
  assert.match(await succeed(project, 'cache', ...checked), /^another best class +0 rows$/m);
  const shard = join(cacheFolderOf(project, project.path('dense')), 'rows/test/part-00000.parquet');
  truncateSync(shard, 50);
  const listed = await project.decant('cache', 'ls', ...store);
  assert.equal(listed.code, 0, listed.stderr);
  assert.match(listed.stdout, /^[0-9a-f]{16} +damaged$/m);
  assert.match(listed.stderr, /has 50 bytes.*\n.*npx decant cache verify/);
});

test('a store without a cache says how to make one', async () => {
  const empty = ['--store', project.path('empty')];
  assert.match(await succeed(project, 'cache', 'ls', ...empty), /npx decant run --to soft-label/);
  for (const command of [['info'], ['stats'], ['verify']]) {
    const result = await project.decant('cache', ...command, ...empty);
    assertRefused(result, 2, /E_NO_CACHE: make it: npx decant run/);
  }
});

/** Runs a command that has to end well; the libraries of TensorFlow and ONNX Runtime that it loaded. */
function nativeLibraries(command: readonly string[]): string[] {
  const watch = `process.on('exit', (code) => {
    const heavy = process.report.getReport().sharedObjects.filter((path) => /tensorflow|onnxruntime/i.test(path));
    require('node:fs').writeSync(2, '\\nHEAVY ' + JSON.stringify(heavy));
    if (code !== 0) throw new Error('ended with ' + code);
  })`;
  const script = project.path('watch.cjs');
  execFileSync('sh', ['-c', `cat > '${script}'`], { input: watch });
  const decant = [join(repository, 'pipeline', 'decant.mjs'), 'cache', ...command];
  const said = execFileSync(
    'sh',
    ['-c', `exec "$@" 2>&1 >/dev/null`, 'sh', process.execPath, '--require', script, ...decant],
    {
      cwd: project.folder,
      encoding: 'utf8',
    },
  );
  return JSON.parse(said.slice(said.lastIndexOf('HEAVY ') + 6)) as string[];
}

function near(value: number, expected: number): void {
  assert.ok(Math.abs(value - expected) < 1e-5, `${value} is not ${expected}`);
}

const VIEWS = ['examples', 'labels', 'classes', 'soft_labels', 'hard_labels', 'predictions'];
