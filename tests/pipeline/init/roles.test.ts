import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { guessRoles, NoTextColumnError } from '#pipeline/init/roles.ts';
import { siblingsOf } from '#pipeline/init/siblings.ts';
import { surveyFile } from '#pipeline/init/survey.ts';
import { yamlScalar } from '#pipeline/init/yaml-scalar.ts';
import { temporaryFolder } from '#tests/support/temporary-folder.ts';

async function rolesOf(name: string, lines: readonly string[]) {
  const path = join(temporaryFolder(), name);
  writeFileSync(path, `${lines.join('\n')}\n`);
  return guessRoles(await surveyFile(path));
}

const rows = Array.from({ length: 12 }, (_, row) => row);

test('usual names decide', async () => {
  const lines = rows.map((row) => `${row},How do I pay number ${row}?,${row % 3},de`);
  const roles = await rolesOf('a.csv', ['uid,utterance,intent,language', ...lines]);
  assert.deepEqual(roles, { text: 'utterance', label: 'intent', id: 'uid' });
});

test('without usual names length and cardinality decide; numbers are no labels', async () => {
  const lines = rows.map((row) => `${row % 2}\tabc ${row}, a rather long sentence\tc${row % 4}`);
  const roles = await rolesOf('a.tsv', ['price\tcol_a\tcol_b', ...lines]);
  assert.deepEqual(roles, { text: 'col_a', label: 'col_b' });
});

test('two sentences are a pair', async () => {
  const lines = rows.map((row) =>
    JSON.stringify({ premise: `It rains ${row}.`, hypothesis: 'It is wet.', label: row % 3 }),
  );
  const roles = await rolesOf('a.jsonl', lines);
  assert.deepEqual(roles, { text: 'premise', textPair: 'hypothesis', label: 'label' });
});

test('a column of different values is no label, whatever its name', async () => {
  const lines = rows.map((row) => `some text of row ${row},tag number ${row}`);
  assert.deepEqual(await rolesOf('a.csv', ['text,label', ...lines]), { text: 'text' });
});

test('a file without texts is refused with its columns', async () => {
  const work = rolesOf('a.csv', ['a,b', ...rows.map((row) => `${row},${row + 1}`)]);
  await assert.rejects(work, NoTextColumnError);
});

test('siblings belong to the same corpus', () => {
  const folder = temporaryFolder();
  const names = ['x-train.csv', 'x-dev.jsonl', 'x-test.csv.gz', 'y-test.csv', 'test.csv', 'x.txt'];
  for (const name of names) writeFileSync(join(folder, name), '');
  assert.deepEqual(siblingsOf(join(folder, 'x-train.csv')), {
    validation: join(folder, 'x-dev.jsonl'),
    test: join(folder, 'x-test.csv.gz'),
    unlabelled: [],
  });
});

test('what YAML would take for something else is quoted', () => {
  for (const text of ['no', 'true', '12', 'a: b', '- x', '', '#c', 'ü.csv', 'a b']) {
    assert.equal(yamlScalar(text), JSON.stringify(text));
  }
  assert.equal(yamlScalar('data/train.csv'), 'data/train.csv');
});
