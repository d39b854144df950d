import assert from 'node:assert/strict';
import { join } from 'node:path';
import { before, describe, test } from 'node:test';
import {
  exportedStudents,
  type FinishedProject,
  STUDENT_LENGTH,
} from '#tests/support/exported-students.ts';
import { repository } from '#tests/support/paths.ts';
import { runProgram, runPython } from '#tests/support/python.ts';

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

    test(`transformers.js gives the probabilities of decant predict with ${variant}`, async () => {
      const exported = run.artifact(`export-student:${variant}`, 'student');
      const theirs = await transformersJs(exported);
      const ours = await decantPredict(exported);
      assert.equal(theirs.length, TEXTS.length);
      for (const [row, classes] of theirs.entries()) {
        const { label, score } = classes[0] ?? assert.fail('no class');
        // transformers.js cuts [SEP] off, too: of a text that is too long only that it works.
        if (TEXTS[row] === TOO_LONG) continue;
        assert.equal(label, ours[row]?.label, TEXTS[row]);
        assert.ok(Math.abs(score - (ours[row]?.confidence ?? Number.NaN)) <= 1e-4, TEXTS[row]);
      }
    });
  }
});

interface Loaded {
  readonly model: string;
  readonly rows: number;
  readonly difference: number;
  readonly longest: number;
}

interface Predicted {
  readonly label: string;
  readonly confidence: number;
}

async function transformersJs(student: string): Promise<{ label: string; score: number }[][]> {
  const installed = process.env['TRANSFORMERS_JS_FOLDER'];
  assert.ok(installed, 'these tests need transformers.js: npm run test:transformers');
  const script = join(repository, 'tests', 'transformers', 'classify.mjs');
  const input = TEXTS.map((text) => JSON.stringify(text)).join('\n');
  return jsonLines(await runNode([script, installed, student], input));
}

async function decantPredict(student: string): Promise<Predicted[]> {
  const decant = join(repository, 'pipeline', 'decant.mjs');
  return jsonLines(
    await runNode([decant, 'predict', '--json', '--student', student], TEXTS.join('\n')),
  );
}

async function runNode(args: readonly string[], input: string): Promise<string> {
  const { code, stdout, stderr } = await runProgram(process.execPath, args, { input });
  assert.equal(code, 0, stderr);
  return stdout;
}

function jsonLines<T>(text: string): T[] {
  return text
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as T);
}

const TOO_LONG = `It is too long: ${'my card '.repeat(40)}`;
const TEXTS = ['My new card has still not arrived', 'Where? 💶 Überall!', TOO_LONG];
