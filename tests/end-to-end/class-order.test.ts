import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { describe, test } from 'node:test';
import { randomFor } from '#stages/numerics/random.ts';
import { bagTeacher } from '#tests/stages/onnx/logit-models.ts';
import { succeed } from '#tests/support/cli-result.ts';
import type { MiniProject } from '#tests/support/mini-project.ts';
import { smallProject } from '#tests/support/small-project.ts';
import { storeSnapshot } from '#tests/support/store-snapshot.ts';

const toSoftLabel = ['run', '--to', 'soft-label'] as const;

describe('a class order', () => {
  test('of corpus.classNames changes nothing: names decide', async () => {
    const project = smallProject();
    await succeed(project, ...toSoftLabel);
    const before = storeSnapshot(project.path('.decant'));
    const names = classNamesOf(project).toReversed();
    const set = `corpus.classNames=${JSON.stringify(names)}`;
    const { code, stderr } = await project.decant(...toSoftLabel, '--set', set);
    assert.equal(code, 0, stderr);
    // prepare runs again and gives the same outputs, so that nothing behind it is stale.
    assert.match(stderr, /prepare +starts.*soft-label +fresh/s);
    const outputs = (snapshot: Record<string, string>) => new Set(Object.values(snapshot));
    assert.deepEqual(outputs(storeSnapshot(project.path('.decant'))), outputs(before));
  });

  test('of the teacher changes nothing but the numbers of the classes', async () => {
    const [plain, turned] = await Promise.all([
      labelsOfBagTeacher(false),
      labelsOfBagTeacher(true),
    ]);
    assert.ok(plain.length > 100);
    assert.deepEqual(turned, plain);
  });
});

/** What a random teacher says of every row, by class name; `turned`: the same teacher, classes in another order. */
async function labelsOfBagTeacher(turned: boolean): Promise<unknown[]> {
  const project = smallProject();
  const names = classNamesOf(project);
  const order = names.map((_, id) => (turned ? names.length - 1 - id : id));
  const random = randomFor(3, 'bag-teacher');
  const rows = Array.from({ length: VOCABULARY }, () => names.map(() => random() - 0.5));
  const weights = Float32Array.from(rows.flatMap((row) => order.map((id) => row[id] ?? 0)));
  const model = bagTeacher({ weights, classCount: names.length });
  writeFileSync(project.path('teacher/onnx/model.onnx'), model);
  const id2label = Object.fromEntries(order.map((from, id) => [id, names[from]]));
  writeFileSync(project.path('teacher/config.json'), JSON.stringify({ id2label }));
  await succeed(project, ...toSoftLabel);
  const query = `select example_id, top_names, list_transform(top_logits, lambda z: round(z, 3)) as logits,
    round(log_sum_exp_t2, 3) as lse, gold_label from soft_labels order by example_id`;
  return JSON.parse(await succeed(project, 'cache', 'sql', '--format', 'json', query)) as unknown[];
}

function classNamesOf(project: MiniProject): string[] {
  return JSON.parse(readFileSync(project.path('labels.json'), 'utf8')) as string[];
}

/** Word pieces of the mini teacher. */
const VOCABULARY = 1046;
