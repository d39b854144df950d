import assert from 'node:assert/strict';
import { test } from 'node:test';
import { withinCaps } from '#stages/hard-relabel/caps.ts';
import { decide, type RowEvidence } from '#stages/hard-relabel/policy.ts';
import { hardRelabelConfig } from '#stages/hard-relabel/settings.ts';

const agreed: RowEvidence = {
  exampleId: 'a',
  goldId: null,
  fold: null,
  teacherId: 1,
  teacherConfidence: 0.95,
  studentId: 1,
  studentConfidence: 0.92,
  doubt: null,
};
const filling = hardRelabelConfig.parse({});
const confident = hardRelabelConfig.parse({ policy: 'teacher-confident', folds: 5 });
const learning = hardRelabelConfig.parse({ policy: 'confident-learning', folds: 5 });
const typeOf = (change: Partial<RowEvidence>, config = filling) =>
  decide({ ...agreed, ...change }, config).type;

test('agreed and sure rows are filled, also exactly at the threshold', () => {
  assert.equal(typeOf({}), 'filled');
  assert.equal(typeOf({}, hardRelabelConfig.parse({ minConfidence: 0.92 })), 'filled');
});

test('disagreement is not filled however sure both are, unless the teacher alone decides', () => {
  const apart = { studentId: 2, teacherConfidence: 1, studentConfidence: 1 };
  assert.equal(typeOf(apart), 'disagreed');
  assert.equal(typeOf(apart, confident), 'filled');
  assert.equal(typeOf({ ...apart, teacherConfidence: 0.89 }, confident), 'below-confidence');
});

test('the less sure of the two decides', () => {
  assert.equal(typeOf({ studentConfidence: 0.89 }), 'below-confidence');
  assert.equal(typeOf({ teacherConfidence: 0.89 }), 'below-confidence');
});

test('a gold label changes only where a student that has not seen the row speaks against it', () => {
  const doubt = { suggestedId: 2, confidence: 0.97 };
  assert.equal(typeOf({ goldId: 0, fold: 3 }), 'kept-gold', 'fill-unlabelled changes none');
  assert.equal(typeOf({ goldId: 0, doubt }, learning), 'kept-gold', 'in sample');
  assert.equal(typeOf({ goldId: 0 }, confident), 'kept-gold', 'in sample');
  assert.deepEqual(decide({ ...agreed, goldId: 0, fold: 3, doubt }, learning), {
    type: 'changed',
    labelId: 2,
    confidence: 0.97,
    reason: 'confident-learning',
  });
  assert.deepEqual(decide({ ...agreed, goldId: 0, fold: 3 }, confident), {
    type: 'changed',
    labelId: 1,
    confidence: 0.92,
    reason: 'teacher-and-left-out-student-agree',
  });
});

test('no change where the witnesses differ, agree with gold, or are not sure', () => {
  assert.equal(typeOf({ goldId: 1, fold: 3 }, confident), 'kept-gold');
  assert.equal(typeOf({ goldId: 0, fold: 3, studentId: 0 }, confident), 'kept-gold');
  assert.equal(typeOf({ goldId: 0, fold: 3, studentConfidence: 0.89 }, confident), 'kept-gold');
  assert.equal(typeOf({ goldId: 0, fold: 3 }, learning), 'kept-gold');
  const doubt = { suggestedId: 2, confidence: 0.89 };
  assert.equal(typeOf({ goldId: 0, fold: 3, doubt }, learning), 'kept-gold');
});

test('confident-learning without folds is refused before anything runs', () => {
  const { error } = hardRelabelConfig.safeParse({ policy: 'confident-learning' });
  assert.match(error?.issues[0]?.message ?? '', /no witness: set folds/);
});

test('caps keep the surest changes, in all and of each class, and the surest fills of a class', () => {
  const row = (id: number, goldId: number | null): RowEvidence => ({
    ...agreed,
    exampleId: `${id}`,
    goldId,
  });
  const rows = [
    ...Array.from({ length: 10 }, (_, id) => row(id, id < 6 ? 0 : 1)),
    ...Array.from({ length: 4 }, (_, id) => row(20 + id, null)),
  ];
  const proposals = rows.map((one, at) => ({
    row: one,
    decision: {
      type: one.goldId === null ? ('filled' as const) : ('changed' as const),
      labelId: 2,
      confidence: 0.9 + at / 1000,
      reason: 'confident-learning' as const,
    },
  }));
  const kept = (limits: object) =>
    withinCaps(proposals, rows, { ...learning, ...limits }).map(({ row: one }) => one.exampleId);
  const fills = ['23', '22', '21', '20'];
  assert.deepEqual(kept({ maxChanged: 1, maxPerClass: 1 }), [
    '9',
    '8',
    '7',
    '6',
    '5',
    '4',
    '3',
    '2',
    '1',
    '0',
    ...fills,
  ]);
  assert.deepEqual(
    kept({}),
    ['9', '8', '5', '4', ...fills],
    'at most 0.6 of each class, 0.4 of all',
  );
  assert.deepEqual(kept({ maxChanged: 0.2 }), ['9', '8', ...fills]);
  assert.deepEqual(kept({ maxPerClass: 0.5 }), ['9', '8', '5', '4', '23', '22']);
});
