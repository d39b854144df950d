import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { SPLITS } from '#datasets/example.ts';
import type { SourceRow } from '#stages/prepare/read-corpus.ts';
import { dropLeaks, takeValidation } from '#stages/prepare/split-rows.ts';
import { sourceRow } from '#tests/support/source-row.ts';

test('test wins over validation, and both win over train', () => {
  const rows = [
    sourceRow('In test', 'a'),
    sourceRow('in validation', 'a'),
    sourceRow('free', 'a'),
    sourceRow('IN TEST!', 'a', 'validation'),
    sourceRow('In Validation', 'a', 'validation'),
    sourceRow('in test', 'a', 'test'),
  ];
  const { rows: kept, leaks } = dropLeaks(rows);
  assert.deepEqual(
    kept.map(({ split, text }) => [split, text]),
    [
      ['train', 'free'],
      ['validation', 'In Validation'],
      ['test', 'in test'],
    ],
  );
  assert.deepEqual(
    leaks.map(({ code, file }) => [code, file]),
    [
      ['leak', 'train.jsonl'],
      ['leak', 'train.jsonl'],
      ['leak', 'validation.jsonl'],
    ],
  );
  assert.match(leaks[0]?.reason ?? '', /train row that also stands in test: test\.jsonl line \d+/);
});

test('property: a row in test is in no other split, by any spelling', () => {
  const texts = fc.array(
    fc.tuple(fc.constantFrom('a b', 'A b!', 'c', 'C?', 'd', 'e'), fc.constantFrom(...SPLITS)),
    { maxLength: 30 },
  );
  fc.assert(
    fc.property(texts, (pairs) => {
      const { rows: kept, leaks } = dropLeaks(
        pairs.map(([text, split]) => sourceRow(text, 'a', split)),
      );
      const keys = (split: string) =>
        new Set(kept.filter((one) => one.split === split).map((one) => one.leakKey));
      const [train, validation, held] = [keys('train'), keys('validation'), keys('test')];
      assert.ok([...train].every((key) => !validation.has(key) && !held.has(key)));
      assert.ok([...validation].every((key) => !held.has(key)));
      assert.equal(kept.length + leaks.length, pairs.length);
    }),
  );
});

test('property: growth moves no row between train and validation', () => {
  const corpus = fc.uniqueArray(fc.integer({ min: 0, max: 10_000 }), {
    minLength: 1,
    maxLength: 60,
  });
  fc.assert(
    fc.property(
      corpus,
      corpus,
      fc.nat(100),
      fc.double({ min: 0.01, max: 0.99, noNaN: true }),
      (old, more, seed, fraction) => {
        const toRows = (numbers: readonly number[]) =>
          numbers.map((number) => sourceRow(`row ${number}`, 'a'));
        const splitOf = (rows: readonly SourceRow[]) =>
          new Map(
            dropLeaks(takeValidation(rows, fraction, seed)).rows.map((one) => [
              one.text,
              one.split,
            ]),
          );
        const before = splitOf(toRows(old));
        for (const grown of [
          [...old, ...more],
          [...more, ...old],
        ]) {
          const after = splitOf(toRows(grown));
          for (const [text, split] of before) assert.equal(after.get(text), split);
        }
      },
    ),
  );
});

test('the fraction is kept, another seed takes other rows, unlabelled rows stay in train', () => {
  const rows = Array.from({ length: 4000 }, (_, index) =>
    sourceRow(`row ${index}`, index % 2 ? 'a' : null),
  );
  const taken = (seed: number) =>
    takeValidation(rows, 0.2, seed).filter((one) => one.split === 'validation');
  const [first, second] = [taken(1), taken(2)];
  assert.ok(Math.abs(first.length - 400) < 60, String(first.length));
  assert.ok(first.every((one) => one.label !== null));
  const texts = new Set(first.map((one) => one.text));
  assert.ok(second.filter((one) => texts.has(one.text)).length < first.length / 2);
});

test('near-equal rows fall on one side, so that no fraction makes leaks', () => {
  const rows = Array.from({ length: 200 }, (_, index) => [
    sourceRow(`row ${index}`, 'a'),
    sourceRow(`ROW, ${index}!`, 'a'),
  ]).flat();
  assert.deepEqual(dropLeaks(takeValidation(rows, 0.5, 1)).leaks, []);
});
