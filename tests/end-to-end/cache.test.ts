import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { truncateSync } from 'node:fs';
import { join } from 'node:path';
import { before, describe, test } from 'node:test';
import { lockStore } from '#cache/lock.ts';
import { assertRefused, succeed } from '#tests/support/cli-result.ts';
import { decantProgram } from '#tests/support/paths.ts';
import { smallProject } from '#tests/support/small-project.ts';
import { cacheFolderOf } from '#tests/support/soft-label-cache.ts';
import { COUNTS } from './cache/answers.ts';
import { exports } from './cache/export.ts';
import { sqlAnswers } from './cache/sql.ts';
import { summaries } from './cache/summaries.ts';

const project = smallProject({
  variants: { distilled: {}, relabelled: { initFrom: 'distilled', labels: 'hard-relabel' } },
  'hard-relabel': { student: 'distilled', minConfidence: 0.1 },
});
const { allRows } = COUNTS;

before(async () => {
  await succeed(project, 'run', '--quiet');
});

describe('ls, info, head and stats', () => summaries(project));
describe('sql', () => sqlAnswers(project));
describe('export', () => exports(project));

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
  const decant = [decantProgram, 'cache', ...command];
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
