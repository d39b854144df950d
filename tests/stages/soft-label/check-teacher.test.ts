import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { checkTeacher, teacherCheckSchema } from '#stages/soft-label/check-teacher.ts';
import { runStage } from '#tests/support/run-stage.ts';
import { corpusOf, runSoftLabel, teacherWeights, writeCorpus, writeTeacher } from './small-run.ts';

const inputs = await writeCorpus(corpusOf(35));
const model = writeTeacher();
// A little of one class is moved: every row that has such a token differs by a little.
const moved = teacherWeights().map((weight, index) => (index % 6 === 2 ? weight + 1e-3 : weight));

async function check(keep: 'top-k' | 'all', asked: string, share = 1) {
  const config = { keep, shardRows: 10 };
  const cache = await runSoftLabel({ config, inputs, files: { model: [model] } });
  const run = await runStage(checkTeacher, {
    config: { share, seed: 1, device: 'cpu', threads: 1, tokenBudget: 100 },
    inputs: { ...inputs, ...cache.outputs },
    files: { model: [asked] },
  });
  const text = readFileSync(join(run.outputs['check'] ?? '', 'check.json'), 'utf8');
  return { run, found: teacherCheckSchema.parse(JSON.parse(text)) };
}

for (const keep of ['top-k', 'all'] as const) {
  test(`keep ${keep}: the teacher that made a cache agrees with it`, async () => {
    const { found, run } = await check(keep, model);
    assert.deepEqual([found.rows, found.top1Differences], [41, 0]);
    assert.ok(found.maxDp < 1e-6, `${found.maxDp}`);
    assert.ok(found.meanDp <= found.maxDp);
    assert.deepEqual(found.cached, found.teacher);
    const last = run.events.findLast((event) => event.type === 'progress');
    assert.deepEqual(last, { type: 'progress', done: 41, total: 41, unit: 'rows' });
  });

  test(`keep ${keep}: another teacher is told by how much, the worst rows first`, async () => {
    const { found } = await check(keep, writeTeacher({ weights: moved }));
    assert.ok(found.maxDp > 1e-5 && found.maxDp < 0.05, `${found.maxDp}`);
    const worst = found.worst.map(({ maxDp }) => maxDp);
    assert.deepEqual(
      worst,
      worst.toSorted((a, b) => b - a),
    );
    assert.equal(worst[0], found.maxDp);
  });
}

test('a sample takes its share of every file, at least one row', async () => {
  const { found } = await check('top-k', model, 0.1);
  // Files of 10, 10, 10, 5, 3 and 3 rows.
  assert.equal(found.rows, 6);
});
