import assert from 'node:assert/strict';
import { test } from 'node:test';
import { exampleIdOf } from '#datasets/example-id.ts';
import { IdIndex } from '#datasets/id-index.ts';

test('ids are numbered from 0 on, each once, and found again', () => {
  const index = new IdIndex();
  const ids = Array.from({ length: 5000 }, (_, row) => exampleIdOf(`text ${row}`));
  for (const [number, id] of ids.entries()) assert.equal(index.add(id), number);
  for (const [number, id] of ids.entries()) assert.equal(index.add(id), number);
  assert.equal(index.size, ids.length);
  for (const [number, id] of ids.entries()) assert.equal(index.find(id), number);
  assert.equal(index.find(exampleIdOf('another text')), undefined);
});

test('ids that differ in one digit, and names that are no ids, are told apart', () => {
  const index = new IdIndex();
  const id = 'f'.repeat(32);
  const others = Array.from({ length: 32 }, (_, at) => `${id.slice(0, at)}e${id.slice(at + 1)}`);
  const names = [id, ...others, 'f'.repeat(31), 'F'.repeat(32), `${id}f`, '', 'a row', 'é'];
  for (const name of names) index.add(name);
  assert.equal(index.size, names.length);
  for (const [number, name] of names.entries()) assert.equal(index.find(name), number);
  assert.ok(!index.has(':'.repeat(32)));
});
