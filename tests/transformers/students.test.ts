import assert from 'node:assert/strict';
import { before, describe, test } from 'node:test';
import {
  exportedStudents,
  type FinishedProject,
  STUDENT_LENGTH,
} from '#tests/support/exported-students.ts';
import { runPython } from '#tests/support/python.ts';

describe('the libraries of Hugging Face take exported students as they are', () => {
  let run: FinishedProject;
  before(async () => {
    run = await exportedStudents();
  });

  for (const [variant, model] of [
    ['modernbert', 'ModernBertForSequenceClassification'],
    ['bert', 'BertForSequenceClassification'],
  ] as const) {
    test(`transformers repeats the logits of ${variant} and cuts where we cut`, async () => {
      const found = await runPython<Loaded>(
        'transformers/load_student.py',
        run.artifact(`export-student:${variant}`, 'student'),
        run.artifact(`train-student:${variant}`, 'student'),
      );
      assert.deepEqual([found.model, found.rows, found.longest], [model, 64, STUDENT_LENGTH]);
      assert.ok(found.difference <= 1e-4, `logits: ${found.difference}`);
    });
  }
});

interface Loaded {
  readonly model: string;
  readonly rows: number;
  readonly difference: number;
  readonly longest: number;
}
