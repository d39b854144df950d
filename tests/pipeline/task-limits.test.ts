import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { stringify } from 'yaml';
import { loadConfig } from '#pipeline/config/config.ts';
import { ConfigError } from '#pipeline/config/config-sources.ts';
import { refuseForTask } from '#pipeline/limits/task-limits.ts';
import { miniConfig } from '#tests/support/mini-project.ts';
import { temporaryFolder } from '#tests/support/temporary-folder.ts';

const { corpus, teacher, variants } = miniConfig;
const students = { 'gold-only': variants['gold-only'], distilled: variants.distilled };
const tensors = { ...corpus, columns: { tensors: { pixels: 'image' } } };
const views = [{ dropWords: 0.1 }];

/** What is refused of the mini configuration with these sections instead; empty where it is fine. */
function refused(sections: Readonly<Record<string, unknown>>): string {
  const file = join(temporaryFolder(), 'decant.yaml');
  const whole = { ...miniConfig, 'hard-relabel': undefined, variants: students, ...sections };
  writeFileSync(file, stringify(whole));
  const loaded = loadConfig({ file, environment: {}, set: [] });
  try {
    refuseForTask(loaded);
    return '';
  } catch (error) {
    assert.ok(error instanceof ConfigError, String(error));
    return error.message;
  }
}

test('a goal of the export is about the classes of a row', () => {
  const goal = { export: { goal: { precision: 0.9 } } };
  assert.equal(refused(goal), '');
  assert.equal(refused({ task: 'multi-label', ...goal }), '');
  for (const task of ['regression', 'token-classification']) {
    assert.match(refused({ task, ...goal }), /export\.goal: is about the classes/);
  }
  assert.throws(() => refused({ export: { goal: {} } }), /set precision or abstain/);
});

test('windows are of texts with one class, and a student of anything has none', () => {
  const windows = { teacher: { ...teacher, longTexts: 'windows' } };
  assert.equal(refused(windows), '');
  for (const task of ['multi-label', 'regression']) {
    assert.match(refused({ task, ...windows }), /teacher\.longTexts: windows .* set truncate/);
    assert.equal(refused({ task, teacher: { ...teacher, longTexts: 'head-tail' } }), '');
  }
});

test('rows of tensors have neither windows nor views, and are told so at once', () => {
  assert.equal(refused({ corpus: tensors }), '');
  assert.equal(refused({ augmentations: views }), '');
  const message = refused({
    corpus: tensors,
    augmentations: views,
    teacher: { ...teacher, longTexts: 'windows' },
  });
  assert.match(message, /augmentations: change texts, and the rows have tensors: leave it out/);
  assert.match(message, /teacher\.longTexts: windows are of texts without tensors: set truncate/);
});

test('words have no relabelling, further teachers, pairs, corrections or students of whole texts', () => {
  const message = refused({
    task: 'token-classification',
    teachers: { second: { model: 'teacher' } },
    corpus: { ...corpus, corrections: 'fixed.csv', columns: { textPair: 'other' } },
    student: { architecture: 'textcnn' },
    variants: { ...students, relabelled: variants.relabelled },
    'hard-relabel': miniConfig['hard-relabel'],
  });
  for (const path of [
    'teachers.second: answers of several teachers are mixed a row of the corpus',
    'corpus.corrections: a correction is one class a row',
    'corpus.columns.textPair: words with labels come one sentence a row',
    'student.architecture: a textcnn says one thing about a whole text',
    'variants.relabelled.labels: hard-relabel gives one class to a row',
  ]) {
    assert.ok(message.includes(path), `${path} is not in\n${message}`);
  }
});

test('what belongs to a language model is refused elsewhere, with the task that it belongs to', () => {
  assert.match(
    refused({
      corpus: { ...corpus, maskShare: 0.2, textUnit: 'block', columns: { target: 'to' } },
    }),
    /corpus\.columns\.target: belongs to task: sequence-to-sequence[^]*corpus\.maskShare: belongs to task: masked-lm[^]*corpus\.textUnit: belongs to language models/,
  );
});

test('classes are balanced where a row has one, and refused by name elsewhere', () => {
  const balanced = { variants: { distilled: { sampling: 'balanced' } } };
  assert.equal(refused(balanced), '');
  for (const task of ['multi-label', 'regression', 'token-classification', 'masked-lm']) {
    const message = refused({ task, ...balanced });
    assert.match(message, /variants\.distilled\.sampling: balanced draws rows by their one class/);
  }
});
