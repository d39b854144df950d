import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import fc from 'fast-check';
import {
  entitiesOf,
  entityCounts,
  entityScore,
  isEntityScheme,
  strayContinuations,
  totalCounts,
} from '#stages/numerics/entities.ts';
import { goldenFolder } from '#tests/support/paths.ts';

interface SeqevalCase {
  readonly gold: string[][];
  readonly predicted: string[][];
  readonly precision: number;
  readonly recall: number;
  readonly f1: number;
  readonly entities: [type: string, start: number, end: number][][];
}

test('entities and their micro-averaged scores are those of seqeval', () => {
  const { cases }: { cases: SeqevalCase[] } = JSON.parse(
    readFileSync(join(goldenFolder, 'words', 'seqeval.json'), 'utf8'),
  );
  assert.ok(cases.length >= 20);
  for (const { gold, predicted, entities, ...scores } of cases) {
    const found = gold.map((tags) =>
      entitiesOf(tags).map(({ type, start, end }) => [type, start, end]),
    );
    assert.deepEqual(found, entities);
    const sentences = gold.map((tags, row) => ({ gold: tags, predicted: predicted[row] ?? [] }));
    const score = entityScore(totalCounts(entityCounts(sentences).values()));
    for (const name of ['precision', 'recall', 'f1'] as const) {
      assert.ok(Math.abs(score[name] - scores[name]) < 1e-12, `${name} of ${gold.join(' | ')}`);
    }
  }
});

test('a sentence that is predicted as it is has a score of 1, one without entities a score of 0', () => {
  const gold = ['B-per', 'I-per', 'O'];
  const counts = entityCounts([{ gold, predicted: gold }]);
  assert.deepEqual([...counts], [['per', { gold: 1, predicted: 1, correct: 1 }]]);
  assert.equal(entityScore(totalCounts(counts.values())).f1, 1);
  assert.equal(entityScore(totalCounts([])).f1, 0);
});

test('an I- without a B- or I- of its type before it is a stray one', () => {
  const tags = ['I-per', 'O', 'B-per', 'I-per', 'I-loc', 'I-loc', 'O', 'I-per'];
  assert.deepEqual(strayContinuations(tags), [0, 4, 7]);
  assert.deepEqual(strayContinuations(['B-per', 'I-per', 'O']), []);
});

test('names tell entities only where all of them are O, B-, I-, E- or S-', () => {
  assert.ok(isEntityScheme(['O', 'B-per', 'I-per']));
  assert.ok(!isEntityScheme(['NOUN', 'VERB']));
  assert.ok(!isEntityScheme(['O', 'B-per', 'I-per', 'other']));
});

test('property: entities do not overlap and lie inside the sentence', () => {
  const tag = fc.constantFrom('O', 'B-a', 'I-a', 'B-b', 'I-b', 'E-a', 'S-b');
  fc.assert(
    fc.property(fc.array(tag, { maxLength: 12 }), (tags) => {
      let after = -1;
      for (const { start, end } of entitiesOf(tags)) {
        assert.ok(start > after && end >= start && end < tags.length);
        after = end;
      }
    }),
  );
});
