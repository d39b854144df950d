import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type SelectionRequest, selectStages, UnknownStageError } from '#pipeline/run/selection.ts';
import { fakeGraph } from '#tests/support/fake-graph.ts';

const graph = fakeGraph({
  prepare: [],
  'soft-label': ['prepare'],
  'train-student:a': ['soft-label'],
  'train-student:b': ['soft-label'],
  'evaluate:a': ['train-student:a'],
  report: ['evaluate:a', 'train-student:b'],
});

function chosen(request: Partial<SelectionRequest>): string[] {
  const selection = selectStages(graph, { stages: [], force: [], ...request });
  return graph.map(({ name }) => name).filter((name) => selection.includes(name));
}

test('without names everything is chosen', () => {
  assert.equal(chosen({}).length, graph.length);
});

test('a stage by name means all its instances, an instance means one', () => {
  assert.deepEqual(chosen({ stages: ['train-student'] }), ['train-student:a', 'train-student:b']);
  assert.deepEqual(chosen({ stages: ['train-student:b'] }), ['train-student:b']);
});

test('--from takes what depends on a stage, --to what it depends on, both what lies between', () => {
  assert.deepEqual(chosen({ from: 'train-student:a' }), [
    'train-student:a',
    'evaluate:a',
    'report',
  ]);
  assert.deepEqual(chosen({ to: 'train-student:a' }), ['prepare', 'soft-label', 'train-student:a']);
  assert.deepEqual(chosen({ from: 'soft-label', to: 'evaluate:a' }), [
    'soft-label',
    'train-student:a',
    'evaluate:a',
  ]);
});

test('what is forced is chosen too', () => {
  const selection = selectStages(graph, { stages: ['prepare'], force: ['report'] });
  assert.ok(selection.includes('report') && selection.isForced('report'));
  assert.ok(!selection.isForced('prepare'));
});

test('an unknown stage is refused with the nearest name', () => {
  assert.throws(
    () => chosen({ stages: ['train-studnet'] }),
    (error: Error) =>
      error instanceof UnknownStageError && /did you mean train-student\?/.test(error.message),
  );
});
