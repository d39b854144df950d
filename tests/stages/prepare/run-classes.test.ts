import assert from 'node:assert/strict';
import { test } from 'node:test';
import { prepareConfigSchema } from '#stages/prepare/config.ts';
import { givenClasses } from '#stages/prepare/run-classes.ts';
import { corpusFile, jsonLines } from '#tests/support/corpus-file.ts';
import { failingWith } from '#tests/support/failure.ts';
import { temporaryFolder } from '#tests/support/temporary-folder.ts';

const folder = temporaryFolder();

/** Names of the classes where these answers stand in a file; undefined where they do not tell. */
async function namesOf(settings: object, ...answers: readonly object[]) {
  const rows = answers.map((answer, id) => ({ id, ...answer }));
  const files = { answers: [corpusFile(folder, `${Math.random()}.jsonl`, jsonLines(rows))] };
  const classes = givenClasses({ config: prepareConfigSchema.parse(settings), files });
  for (;;) {
    const { done, value } = await classes.next();
    if (done === true) return value?.classNames;
  }
}

test('answers of several labels name the classes, in alphabetical order, a single one too', async () => {
  const task = { task: 'multi-label' };
  const names = await namesOf(
    task,
    { label: ['b', 'c'] },
    { votes: [['c'], []] },
    { probabilities: { a: 0.1, b: 0.2, c: 0.3 } },
  );
  assert.deepEqual(names, ['a', 'b', 'c']);
  assert.deepEqual(await namesOf(task, { label: ['b'] }, { label: [] }), ['b']);
  await assert.rejects(namesOf(task, { label: [] }), failingWith('E_CLASS_NAMES', 'name no class'));
});

test('a class alone is nothing to choose from, and outputs are counted in the labels of the corpus', async () => {
  await assert.rejects(namesOf({}, { label: 'b' }), failingWith('E_CLASS_NAMES', '"b" only'));
  assert.equal(await namesOf({ task: 'regression' }, { label: 1 }), undefined);
});
