import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ValueTask } from '#datasets/task.ts';
import type { TeacherFacts } from '#pipeline/teachers/teacher-facts.ts';
import {
  reportAsJson,
  reportAsText,
  type TeacherReport,
  warningsOf,
} from '#pipeline/teachers/teacher-report.ts';
import { skillOf } from '#pipeline/teachers/teacher-skill.ts';

/** A teacher of these classes that gives these values, row by row, for rows with these labels. */
function reportOf(
  task: ValueTask,
  classNames: readonly string[],
  rows: readonly (readonly [label: readonly unknown[] | null, values: readonly number[]])[],
): TeacherReport {
  const idOfLabel = new Map(classNames.map((name, id) => [name, id]));
  const facts: TeacherFacts = {
    opset: 17,
    parameters: 1,
    inputs: [],
    outputs: [],
    classes: { classNames, idOfLabel, byNumber: false },
    task,
    maskId: undefined,
    tokenizer: undefined,
    wordRows: undefined,
    positions: undefined,
    license: undefined,
  };
  const shown = {
    source: 'validation',
    rows: rows.map(([label], row) => ({
      text: `row ${row}`,
      textPair: null,
      label: label === null ? null : JSON.stringify(label),
    })),
  } as const;
  const predictions = rows.map(([, values], row) => ({
    classId: 0,
    probability: row,
    values: [...values],
  }));
  const inspection = {
    provider: 'cpu',
    runtime: 'onnxruntime',
    truncated: 0,
    looksLikeProbabilities: false,
    predictions,
  };
  const files = { place: '', model: ['model.onnx'], config: '', tokenizer: undefined };
  const skill = skillOf(facts, shown, inspection);
  const unread = { tokenizerConfig: [], specialTokens: [], pooling: [] };
  return {
    files: { ...files, ...unread },
    facts,
    shown,
    inspection,
    wanted: 64,
    maxLength: 64,
    skill,
  };
}

const yes = (says: readonly boolean[]) => says.map((one) => (one ? 2 : -2));

/** Of ten rows all have a, every second b and none c. */
const labels = Array.from({ length: 10 }, (_, row) => (row % 2 === 0 ? ['a', 'b'] : ['a']));

test('a teacher of several labels is compared with who always says the same, and told', () => {
  const knows = reportOf(
    'multi-label',
    ['a', 'b', 'c'],
    labels.map((label) => [label, yes(['a', 'b', 'c'].map((name) => label.includes(name)))]),
  );
  // Always a: 10 found of 10 said and 15 there; a and b: 15 of 20 and 15.
  const skill = { microF1: 1, meanAveragePrecision: 1, sameLabelsF1: 30 / 35 };
  assert.deepEqual(knows.skill, { rows: 10, unknownLabels: [], ...skill });
  assert.deepEqual(warningsOf(knows), []);
  assert.match(
    reportAsText(knows),
    /^micro-F1 +100\.0 % of 10 labelled validation rows; PR-AUC 100\.0 %; always .* 85\.7 %$/m,
  );
  const turned = reportOf(
    'multi-label',
    ['c', 'a', 'b'],
    labels.map((label) => [label, yes(['a', 'b', 'c'].map((name) => label.includes(name)))]),
  );
  assert.match(warningsOf(turned).join(), /hardly knows these labels: its micro-F1 .* order/);
});

test('numbers are told by how they go with the labels, and by how near they are', () => {
  const report = (valueOf: (gold: number) => number) =>
    reportOf(
      'regression',
      ['y0'],
      Array.from({ length: 20 }, (_, row) => [[row], [valueOf(row)]]),
    );
  const near = report((gold) => gold + 0.5);
  assert.deepEqual(warningsOf(near), []);
  assert.match(reportAsText(near), /^Pearson +1\.00 of 20 labelled validation rows; R² 0\.99/m);
  assert.match(warningsOf(report((gold) => -gold)).join(), /at most 5 % of the variance/);
  assert.match(warningsOf(report((gold) => (gold * 7) % 5)).join(), /at most 5 % of the variance/);
  const elsewhere = report((gold) => 100 + gold / 10);
  assert.match(warningsOf(elsewhere).join(), /Pearson 1\.00\) and lie elsewhere.*check the scale/);
  const constant = reportOf(
    'regression',
    ['y0'],
    [
      [[1], [2]],
      [[1], [3]],
    ],
  );
  assert.deepEqual(warningsOf(constant), []);
  assert.match(reportAsText(constant), /Pearson +unknown, as one side never changes/);
});

test('labels that the teacher cannot give are named and left out; without any label nothing is told', () => {
  const strange = reportOf(
    'multi-label',
    ['a', 'b'],
    [
      [['a'], yes([true, false])],
      [['z'], yes([true, false])],
      [[], yes([false, false])],
      [null, yes([true, true])],
    ],
  );
  assert.deepEqual([strange.skill?.rows, strange.skill?.unknownLabels], [2, ['z']]);
  assert.match(warningsOf(strange).join(), /no class of the teacher: "z"; their rows were left/);
  const wide = reportOf(
    'regression',
    ['y0'],
    [
      [[1, 2], [1]],
      [[3], [3]],
      [[4], [4]],
    ],
  );
  assert.match(warningsOf(wide).join(), /another number of values than it has outputs: "\[1,2\]"/);
  const unlabelled = reportOf('regression', ['y0'], [[null, [1]]]);
  assert.equal(unlabelled.skill, undefined);
  assert.match(reportAsText(unlabelled), /no labelled rows/);
  assert.ok('skill' in reportAsJson(unlabelled));
});
