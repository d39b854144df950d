import assert from 'node:assert/strict';
import { test } from 'node:test';
import { scoresFromLogits, scoresFromSoftLabels } from '#stages/evaluate/scores.ts';
import { failingWith } from '#tests/support/failure.ts';
import { sampleMeta, sampleRows } from '#tests/support/soft-label-sample.ts';
import { exampleId, softLabelsOf, tinyMeta } from '#tests/support/tiny-world.ts';

const logits = [
  [2, 1, 0],
  [0, 0, 3],
];
const rows = logits.map((row, index) => ({ id: exampleId(index), logits: row }));
const dense = tinyMeta({ mode: 'dense', topK: null });

test('a student and a dense teacher of the same logits score the same', () => {
  const student = scoresFromLogits(
    [exampleId(0), exampleId(1)],
    Float32Array.from(logits.flat()),
    3,
  );
  const teacher = scoresFromSoftLabels(softLabelsOf('test', rows, dense), dense);
  assert.deepEqual([...student.predictedIds], [0, 2]);
  assert.deepEqual([...teacher.predictedIds], [0, 2]);
  for (const scores of [student, teacher]) {
    assert.ok(Math.abs((scores.confidence[0] ?? 0) - 0.66524) < 1e-5);
    assert.ok(Math.abs(scores.logProbOf(0, 1).value + 1.40761) < 1e-5);
    assert.equal(scores.logProbOf(0, 1).isBound, false);
  }
});

test('a kept class of a top-k teacher is exact, one outside is bounded by tail and k-th class', () => {
  for (const topK of [1, 2]) {
    const meta = tinyMeta({ topK });
    const scores = scoresFromSoftLabels(softLabelsOf('test', rows, meta), meta);
    assert.ok(Math.abs(scores.logProbOf(0, 0).value + 0.40761) < 1e-5);
    const outside = scores.logProbOf(0, 2);
    assert.equal(outside.isBound, true);
    assert.ok(outside.value >= -2.40761 - 1e-5);
    // k = 2: the tail is class 2 alone. k = 1: classes 1 and 2 together.
    const tail = topK === 2 ? -2.40761 : Math.log(1 - 0.66524);
    assert.ok(Math.abs(outside.value - tail) < 1e-4, `${topK}: ${outside.value}`);
  }
});

test('of a sampled teacher the best class is exact, and bounds all others', () => {
  const meta = sampleMeta('sampled');
  const drawn = sampleRows(meta, 2);
  const scores = scoresFromSoftLabels(drawn, meta);
  const [best = -1] = scores.predictedIds;
  const [confidence = 0] = drawn.sampled?.confidence ?? [];
  assert.deepEqual(scores.logProbOf(0, best), { value: Math.log(confidence), isBound: false });
  const other = scores.logProbOf(0, (best + 1) % 5);
  assert.deepEqual(other, { value: Math.log(1 - confidence), isBound: true });
});

test('the bound never passes the k-th class', () => {
  // A flat row: the tail of three classes weighs more than the first class does.
  const meta = tinyMeta({ topK: 1, classNames: ['a', 'b', 'c', 'd'] });
  const flat = [{ id: exampleId(1), logits: [0.1, 0, 0, 0] }];
  const scores = scoresFromSoftLabels(softLabelsOf('test', flat, meta), meta);
  assert.equal(scores.logProbOf(0, 3).value, scores.logProbOf(0, 0).value);
});

test('a top-k cache without temperature 1 is refused with the way out; a dense one needs none', () => {
  const meta = tinyMeta({ temperatures: [2] });
  assert.throws(
    () => scoresFromSoftLabels(softLabelsOf('test', rows, meta), meta),
    failingWith('E_TEMPERATURE', 'temperature 1'),
  );
  const denseMeta = { ...dense, temperatures: [2] };
  const scores = scoresFromSoftLabels(softLabelsOf('test', rows, denseMeta), denseMeta);
  assert.ok(Math.abs((scores.confidence[0] ?? 0) - 0.66524) < 1e-5);
});
