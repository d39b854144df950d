import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type MergedSplit, type MergeRules, mergeRows } from '#stages/prepare/merge-rows.ts';
import type { SourceRow } from '#stages/prepare/read-corpus.ts';
import { sourceRow } from '#tests/support/source-row.ts';

const classNames = ['a', 'b', 'c'];
const idOfLabel = new Map(classNames.map((name, id) => [name, id]));

function merge(rows: readonly SourceRow[], onConflict: MergeRules['onConflict']): MergedSplit {
  return mergeRows(rows, { onConflict, classNames, idOfLabel });
}

test('near-equal train rows become the first of them, with their count as weight', () => {
  const { examples, labels, duplicates } = merge(
    [
      sourceRow('My card?'),
      sourceRow('other', 'b'),
      sourceRow('my CARD', 'a'),
      sourceRow('my card!'),
    ],
    'majority',
  );
  assert.deepEqual(
    examples.map(({ text, weight }) => [text, weight]),
    [
      ['My card?', 3],
      ['other', 1],
    ],
  );
  assert.equal(duplicates, 2);
  // The unlabelled twin gets the label of the labelled one.
  assert.deepEqual(
    labels.map(({ exampleId, label, labelId, weight }) => [exampleId, label, labelId, weight]),
    [
      ['id of My card?', 'a', 0, 1],
      ['id of other', 'b', 1, 1],
    ],
  );
});

test('validation and test merge byte-equal rows only', () => {
  for (const split of ['validation', 'test'] as const) {
    const rows = [
      sourceRow('My card?', 'a', split),
      sourceRow('my card', 'a', split),
      sourceRow('my card', 'a', split),
    ];
    assert.deepEqual(
      merge(rows, 'majority').examples.map((example) => example.weight),
      [1, 2],
    );
  }
});

test('a conflict goes to the majority, on a tie to the first', () => {
  const rows = [
    sourceRow('x', 'b'),
    sourceRow('x', 'a'),
    sourceRow('x', 'a'),
    sourceRow('y', 'c'),
    sourceRow('y', 'a'),
    sourceRow('y'),
  ];
  const { labels, conflicts, rejects } = merge(rows, 'majority');
  assert.deepEqual(
    labels.map((label) => label.label),
    ['a', 'c'],
  );
  assert.equal(conflicts, 2);
  assert.deepEqual(rejects, []);
});

test('a soft conflict keeps every label by its share of the labelled rows', () => {
  const { labels } = merge(
    [
      sourceRow('x', 'b'),
      sourceRow('x', 'a'),
      sourceRow('x', 'a'),
      sourceRow('x'),
      sourceRow('x', 'a'),
    ],
    'soft',
  );
  assert.deepEqual(
    labels.map(({ label, weight }) => [label, weight]),
    [
      ['b', 0.25],
      ['a', 0.75],
    ],
  );
});

test('a rejected conflict leaves out all its rows and says so for each', () => {
  const { examples, labels, rejects, conflicts } = merge(
    [sourceRow('x', 'b'), sourceRow('x', 'a'), sourceRow('y', 'a')],
    'reject',
  );
  assert.deepEqual(
    examples.map((example) => example.text),
    ['y'],
  );
  assert.equal(labels.length, 1);
  assert.equal(conflicts, 1);
  assert.deepEqual(
    rejects.map((reject) => reject.code),
    ['label-conflict', 'label-conflict'],
  );
});
