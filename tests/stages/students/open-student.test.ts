import assert from 'node:assert/strict';
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { openStudent } from '#stages/students/open-student.ts';
import { failureOf } from '#tests/support/failure.ts';
import { teacherAsStudent } from '#tests/support/teacher-as-student.ts';
import { temporaryFolder } from '#tests/support/temporary-folder.ts';

test('texts are answered in their order, however long they are', async () => {
  const loaded = await openStudent(teacherAsStudent(), { threads: 1 });
  try {
    const texts = [
      'I have been waiting for my card for over two weeks now, where is it?',
      'lost my card',
    ];
    const [late, lost] = await loaded.classify(texts, { top: 3 });
    assert.equal(late?.label, 'card_arrival');
    assert.equal(lost?.label, 'lost_or_stolen_card');
    assert.equal(late?.top.length, 3);
    assert.ok((late?.top[0]?.probability ?? 0) >= (late?.top[1]?.probability ?? 1));
    assert.deepEqual(await loaded.classify([]), []);
  } finally {
    await loaded.close();
  }
});

test('a text is cut where the tokenizer of the student says', async () => {
  const folder = teacherAsStudent();
  const file = join(folder, 'tokenizer_config.json');
  const config = JSON.parse(readFileSync(file, 'utf8')) as Record<string, unknown>;
  writeFileSync(file, JSON.stringify({ ...config, model_max_length: 6 }));
  const loaded = await openStudent(folder, { threads: 1 });
  try {
    const [short, long] = await loaded.classify([
      'where is my card',
      'where is my card exchange rate',
    ]);
    assert.deepEqual(short, long);
  } finally {
    await loaded.close();
  }
});

test('a student that learned from head and tail of long texts is asked so', async () => {
  const folder = teacherAsStudent();
  const file = join(folder, 'tokenizer_config.json');
  const config = JSON.parse(readFileSync(file, 'utf8')) as Record<string, unknown>;
  const cut = { model_max_length: 6, decant_long_texts: 'head-tail' };
  writeFileSync(file, JSON.stringify({ ...config, ...cut }));
  const loaded = await openStudent(folder, { threads: 1 });
  try {
    const [short, long] = await loaded.classify([
      'where card exchange rate',
      'where is my card exchange rate',
    ]);
    assert.deepEqual(short, long);
  } finally {
    await loaded.close();
  }
});

test('a folder that is no student is refused with what it lacks', async () => {
  const folder = teacherAsStudent();
  rmSync(join(folder, 'tokenizer.json'));
  assert.match((await failureOf(openStudent(folder))).message, /has no tokenizer\.json/);
  const broken = teacherAsStudent();
  writeFileSync(join(broken, 'config.json'), '{');
  assert.match((await failureOf(openStudent(broken))).message, /config\.json: /);
  const empty = temporaryFolder();
  mkdirSync(join(empty, 'onnx'));
  assert.match((await failureOf(openStudent(empty))).message, /has no config\.json/);
});
