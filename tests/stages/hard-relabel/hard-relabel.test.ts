import assert from 'node:assert/strict';
import { mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import type { Split } from '#datasets/example.ts';
import { readHardLabels } from '#datasets/hard-labels.ts';
import { writePredictions } from '#datasets/predictions.ts';
import { readRelabelSummary } from '#datasets/relabel-summary.ts';
import { hardRelabel } from '#stages/hard-relabel/index.ts';
import { failureOf } from '#tests/support/failure.ts';
import { runStage } from '#tests/support/run-stage.ts';
import { temporaryFolder } from '#tests/support/temporary-folder.ts';
import {
  classFolder,
  exampleId,
  labelFolder,
  softLabelFolder,
  softLabelsOf,
  tinyMeta,
} from '#tests/support/tiny-world.ts';

/** A row as both models see it: which class, and how far above the others. */
interface Row {
  readonly id: number;
  readonly teacher: readonly [classId: number, margin: number];
  readonly student: readonly [classId: number, margin: number];
}

// Sure claims were right on validation, unsure ones were not.
const validation: Row[] = Array.from({ length: 60 }, (_, row) => ({
  id: 1000 + row,
  teacher: [0, row < 30 ? 6 : 0.5],
  student: [0, row < 30 ? 6 : 0.5],
}));
const validationGold = Object.fromEntries(
  validation.map(({ id }, row) => [exampleId(id), row < 30 || row % 2 === 0 ? 0 : 1]),
);

const train: Row[] = [
  { id: 1, teacher: [1, 6], student: [1, 6] },
  { id: 2, teacher: [1, 6], student: [2, 6] },
  { id: 3, teacher: [2, 0.5], student: [2, 6] },
  { id: 4, teacher: [2, 6], student: [2, 0.5] },
  { id: 5, teacher: [1, 6], student: [1, 6] },
];
// Example 5 is labelled, and both models contradict its label.
const trainGold = { [exampleId(5)]: 0 };

test('only agreed, sure rows without gold are filled', async () => {
  for (const mode of ['top-k', 'dense'] as const) {
    const run = await runStage(hardRelabel, { inputs: await inputs({ mode }) });
    const folder = run.outputs['hard-labels'] ?? '';
    const rows = await readHardLabels(folder);
    assert.equal(rows.length, 1);
    const { teacherConfidence, studentConfidence, ...decision } = rows[0] ?? assert.fail();
    assert.deepEqual(decision, {
      exampleId: exampleId(1),
      split: 'train',
      oldLabel: null,
      oldLabelId: null,
      newLabel: 'top_up_failed',
      newLabelId: 1,
      reason: 'teacher-and-student-agree',
    });
    assert.deepEqual([teacherConfidence, studentConfidence], [1, 1]);
    assert.deepEqual(run.counts, { filled: 1, disagreed: 1, belowConfidence: 2, keptGold: 1 });
    const summary = await readRelabelSummary(folder);
    assert.equal(summary.filled, 1);
    assert.equal(summary.calibration.teacher.rows, 60);
    assert.deepEqual(run.warnings, []);
  }
});

test('a lower threshold fills the unsure rows too, never gold and never disagreement', async () => {
  const run = await runStage(hardRelabel, { config: { minConfidence: 0 }, inputs: await inputs() });
  assert.deepEqual(run.counts, { filled: 3, disagreed: 1, belowConfidence: 0, keptGold: 1 });
});

test('a test row among the train rows is refused', async () => {
  const failure = await failureOf(
    runStage(hardRelabel, { inputs: await inputs({ split: 'test' }) }),
  );
  assert.equal(failure.code, 'E_RELABEL_SPLIT');
  assert.match(failure.message, /split "test".*refuses the split that measures/);
});

test('a student that saw other rows than the teacher is refused', async () => {
  const given = await inputs({ studentTrain: train.slice(1) });
  const failure = await failureOf(runStage(hardRelabel, { inputs: given }));
  assert.equal(failure.code, 'E_ROWS_MISSING');
  assert.ok(failure.message.includes(exampleId(1)));
});

test('without labelled validation rows there is no calibration and no relabelling', async () => {
  const failure = await failureOf(
    runStage(hardRelabel, { inputs: await inputs({ validationGold: {} }) }),
  );
  assert.equal(failure.code, 'E_RELABEL_CALIBRATION');
});

test('few labelled validation rows are told', async () => {
  const few = Object.fromEntries(Object.entries(validationGold).slice(0, 5));
  const run = await runStage(hardRelabel, { inputs: await inputs({ validationGold: few }) });
  assert.match(run.warnings.join(), /5 labelled validation rows only/);
});

test('a cache of another class order is refused by name', async () => {
  const classNames = ['top_up_failed', 'card_arrival', 'age_limit'];
  const failure = await failureOf(runStage(hardRelabel, { inputs: await inputs({ classNames }) }));
  assert.equal(failure.code, 'E_CLASSES_DIFFER');
  assert.match(failure.message, /class 0 is "top_up_failed" instead of "card_arrival"/);
});

test('two runs write the same bytes', async () => {
  const given = await inputs();
  const [first, second] = [
    await runStage(hardRelabel, { inputs: given }),
    await runStage(hardRelabel, { inputs: given }),
  ];
  for (const file of ['hard-labels.parquet', 'summary.json']) {
    const bytes = [first, second].map((run) =>
      readFileSync(join(run.outputs['hard-labels'] ?? '', file)),
    );
    assert.deepEqual(bytes[0], bytes[1]);
  }
});

interface Changes {
  readonly mode?: 'top-k' | 'dense';
  readonly split?: Split;
  readonly studentTrain?: readonly Row[];
  readonly validationGold?: Readonly<Record<string, number>>;
  readonly classNames?: string[];
}

async function inputs(changes: Changes = {}): Promise<Record<string, string>> {
  const folder = temporaryFolder();
  const meta = tinyMeta({
    mode: changes.mode ?? 'top-k',
    topK: changes.mode === 'dense' ? null : 2,
    ...(changes.classNames && { classNames: changes.classNames }),
  });
  const cache = (name: string, split: Split, rows: readonly Row[]) => {
    const logits = rows.map(({ id, teacher }) => ({
      id: exampleId(id),
      logits: logitsOf(teacher),
    }));
    return softLabelFolder(join(folder, name), softLabelsOf(split, logits, meta), meta);
  };
  const predictions = join(folder, 'predictions');
  mkdirSync(predictions);
  await predict(predictions, 'train', changes.studentTrain ?? train);
  await predict(predictions, 'validation', validation);
  return {
    'rows/train': await cache('rows-train', changes.split ?? 'train', train),
    'rows/validation': await cache('rows-validation', 'validation', validation),
    predictions,
    'labels/train': await labelFolder(join(folder, 'labels-train'), trainGold),
    'labels/validation': await labelFolder(
      join(folder, 'labels-validation'),
      changes.validationGold ?? validationGold,
    ),
    classes: await classFolder(join(folder, 'classes')),
  };
}

async function predict(folder: string, split: Split, rows: readonly Row[]): Promise<void> {
  const logits = rows.map(({ student }) => logitsOf(student));
  await writePredictions(folder, split, {
    rowCount: rows.length,
    exampleIds: rows.map(({ id }) => exampleId(id)),
    predictedIds: Int32Array.from(rows, ({ student: [classId] }) => classId),
    confidence: Float32Array.from(
      rows,
      ({ student: [, margin] }) => 1 / (1 + 2 * Math.exp(-margin)),
    ),
    logits: Float32Array.from(logits.flat()),
  });
}

function logitsOf([classId, margin]: readonly [number, number]): number[] {
  return [0, 1, 2].map((id) => (id === classId ? margin : 0));
}
