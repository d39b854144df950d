import assert from 'node:assert/strict';
import { readdirSync, readFileSync, truncateSync } from 'node:fs';
import { join } from 'node:path';
import { before, test } from 'node:test';
import { succeed } from '#tests/support/cli-result.ts';
import { lastRun } from '#tests/support/last-run.ts';
import { smallConfig, smallProject } from '#tests/support/small-project.ts';
import { cacheFolderOf } from '#tests/support/soft-label-cache.ts';

const project = smallProject({
  'soft-label': {
    ...smallConfig['soft-label'],
    hidden: ['/m/bert/pooler/activation/Tanh_output_0'],
  },
});
const COLUMN = 'hidden_m_bert_pooler_activation_Tanh_output_0';

before(async () => {
  await succeed(project, 'run', '--quiet', '--to', 'soft-label');
});

/** The bytes of all shards of train. */
function shards(): Record<string, string> {
  const folder = join(cacheFolderOf(project), 'rows', 'train');
  return Object.fromEntries(
    readdirSync(folder).map((name) => [name, readFileSync(join(folder, name)).toString('base64')]),
  );
}

test('a broken file of a cache with features is found and made again, the others are kept', async () => {
  const whole = shards();
  truncateSync(join(cacheFolderOf(project), 'rows', 'train', 'part-00001.parquet'), 900);
  const { code, stderr } = await project.decant('cache', 'verify');
  assert.equal(code, 5, stderr);
  const repaired = await project.decant('cache', 'verify', '--repair');
  assert.match(repaired.stderr, /repaired: 156 rows kept, 16 rows asked again/);
  assert.deepEqual(shards(), whole);
});

test('a forgotten row goes with its features, and the others keep theirs', async () => {
  const query = `select example_id, ${COLUMN} as feature from soft_labels where split = 'train'`;
  const features = async () => {
    const said = await succeed(project, 'cache', 'sql', '--format', 'jsonl', query);
    const lines = said.trimEnd().split('\n');
    return new Map(
      lines.map((line) => {
        const row = JSON.parse(line) as { example_id: string; feature: number[] };
        return [row.example_id, row.feature];
      }),
    );
  };
  const all = await features();
  const [gone = ''] = all.keys();
  await succeed(project, 'forget', '--where', `example_id = '${gone}'`);
  await succeed(project, 'run', '--quiet', '--to', 'soft-label');
  const { status, result } = lastRun(project).stages['soft-label'] ?? {};
  assert.ok(status === 'fresh' || result?.counts['teacherRows'] === 0);
  all.delete(gone);
  assert.deepEqual(await features(), all);
  assert.match(await succeed(project, 'cache', 'verify'), /all as sealed/);
});
