import assert from 'node:assert/strict';
import { test } from 'node:test';
import { stringify } from 'yaml';
import { checkedConfig } from '#pipeline/config/config.ts';
import { readingProblem } from '#pipeline/limits/reading-limits.ts';
import type { TeacherSource } from '#pipeline/teachers/teacher-source.ts';
import { createInstance } from '#pipeline/wiring/graph.ts';
import { viewLabelInstance } from '#pipeline/wiring/view-wiring.ts';
import { softLabel } from '#stages/soft-label/index.ts';
import { miniConfig } from '#tests/support/mini-project.ts';

const augmentations = [{ dropWords: 0.1 }];
const answers: TeacherSource = { type: 'answers', paths: [], settings: { smoothing: 0.1 } };

function problem(source: TeacherSource, settings: object, longTexts?: string) {
  const teacher = { model: 'teacher', ...(longTexts && { longTexts }) };
  const text = stringify({ ...miniConfig, ...settings, teacher });
  return readingProblem(checkedConfig('decant.yaml', text).config, source);
}

test('answers know neither changed texts nor windows', () => {
  assert.equal(problem(answers, {}), undefined);
  assert.equal(problem(answers, {}, 'head-tail'), undefined);
  assert.match(problem(answers, { augmentations })?.problem ?? '', /no file of answers knows/);
  assert.match(problem(answers, {}, 'windows')?.problem ?? '', /an answer is of the whole text/);
});

test('views meet the same teacher as the rows, its fitted head among the inputs', () => {
  const from = (instance: string, output: string) => ({ instance, output });
  const ofRows = createInstance('soft-label', softLabel, {
    config: { topK: 3 },
    files: { model: ['model.onnx'] },
    inputs: {
      'inputs/train': from('prepare', 'inputs/train'),
      'inputs/test': from('prepare', 'inputs/test'),
      'tokens/teacher/test': from('prepare', 'tokens/teacher/test'),
      classes: from('prepare', 'classes'),
      teacher: from('fit-head', 'teacher'),
    },
  });
  const ofViews = viewLabelInstance(ofRows, {
    name: 'teacher',
    source: answers,
    weight: 1,
    license: undefined,
    output: undefined,
    hidden: undefined,
  });
  assert.equal(ofViews.name, 'soft-label:teacher.views');
  assert.deepEqual([ofViews.config, ofViews.files], [ofRows.config, ofRows.files]);
  assert.deepEqual(ofViews.inputs, {
    classes: from('prepare', 'classes'),
    teacher: from('fit-head', 'teacher'),
    'inputs/train': from('prepare', 'inputs/views'),
    'tokens/teacher/train': from('prepare', 'tokens/teacher/views'),
  });
});
