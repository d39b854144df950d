import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { before, describe, test } from 'node:test';
import {
  exportedStudents,
  type FinishedProject,
  STUDENT_LENGTH,
  STUDENTS,
} from '#tests/support/exported-students.ts';
import { goldenFolder } from '#tests/support/paths.ts';
import { pythonProgram, runProgram, runPython } from '#tests/support/python.ts';
import {
  checkFigures,
  evaluatedValues,
  evaluatedWords,
  type FoundFigures,
} from './evaluated-figures.ts';
import { pythonLines } from './readme-lines.ts';
import {
  int8Predictions,
  predict,
  SENTENCES,
  transformersJsDifference,
} from './student-answers.ts';
import { assertAsInPython, TOP_K_COLUMNS } from './teacher-answers.ts';

/** Largest distance between numbers of two programs that compute in float32. */
const TOLERANCE = 1e-4;

describe('what a run makes, checked by Python', () => {
  let run: FinishedProject;
  before(async () => {
    run = await exportedStudents();
  });

  for (const variant of STUDENTS) {
    test(`the files of ${variant} hold the tensors of its class, safetensors and ONNX the same bits`, async () => {
      const exported = run.artifact(`export-student:${variant}`, 'student');
      const found = await runPython<{ readonly onnxTensors: number }>(
        'interop/student_files.py',
        exported,
        ...classNamesFile(variant),
      );
      assert.equal(found.onnxTensors, TENSORS[variant]);
    });

    test(`ONNX Runtime and tokenizers of Python repeat trainer and predict of ${variant}`, async () => {
      const exported = run.artifact(`export-student:${variant}`, 'student');
      const predicted = run.project.path(`${variant}.jsonl`);
      writeFileSync(predicted, await predict(exported, SENTENCES));
      const found = await runPython<StudentAnswers>(
        'interop/student_answers.py',
        exported,
        run.artifact(`train-student:${variant}`, 'student'),
        run.artifact('prepare', 'inputs'),
        predicted,
        'onnx/model.onnx',
      );
      assert.ok(found.logitDifference <= TOLERANCE, `logits: ${found.logitDifference}`);
      assert.ok(found.confidenceDifference <= TOLERANCE, `${found.confidenceDifference}`);
      assert.deepEqual(
        [found.probeRows, found.predictions, found.longest],
        [64, SENTENCES.length, STUDENT_LENGTH],
      );
    });

    test(`the int8 file of ${variant} says in Python what it says here, and nearly what was trained`, async () => {
      const exported = run.artifact(`export-student:${variant}`, 'student');
      const predicted = run.project.path(`${variant}.int8.jsonl`);
      writeFileSync(predicted, await int8Predictions(exported));
      const found = await runPython<StudentAnswers>(
        'interop/student_answers.py',
        exported,
        run.artifact(`train-student:${variant}`, 'student'),
        run.artifact('prepare', 'inputs'),
        predicted,
        'onnx/model_quantized.onnx',
      );
      assert.ok(found.confidenceDifference <= 1e-3, `${found.confidenceDifference}`);
      assert.ok(found.logitDifference > 0, 'it is another file');
      assert.ok(found.logitDifference <= 0.1, `logits: ${found.logitDifference}`);
    });
  }

  for (const architecture of ['modernbert', 'bert'] as const) {
    test(`transformers.js gives the trainer's logits of ${architecture}, its directory loaded as local files`, async () => {
      const { texts, worst } = await transformersJsDifference(run, architecture);
      assert.ok(texts > 20, `${texts} texts`);
      assert.ok(worst <= TOLERANCE, `logits: ${worst}`);
    });

    test(`the names of ${architecture} are those that transformers wrote`, async () => {
      const folder = join(goldenFolder, 'hf-golden', architecture);
      await runPython('interop/student_files.py', folder, ...classNamesFile(architecture));
    });
  }

  test('the teacher says in Python what the cache holds', async () => {
    const columns = [...TOP_K_COLUMNS, 'log_sum_exp_t1', 'tail_log_mass_t1', 'log_sum_exp_t2'];
    await assertAsInPython(run, run.project.path('teacher'), {
      rows: 1066,
      columns: [...columns, 'tail_log_mass_t2'],
    });
  });

  for (const name of ['teacher', ...STUDENTS]) {
    test(`scikit-learn finds the metrics of ${name}`, async () => {
      const found = await runPython<ScikitAnswers>(
        'interop/metrics.py',
        run.artifact(`evaluate:${name}`, 'metrics'),
        run.artifact(`evaluate:${name}`, 'predictions'),
        run.artifact('prepare', 'labels', 'test'),
        run.artifact('evaluate:teacher', 'predictions'),
      );
      assert.equal(found.rows, 240);
      const compared = name === 'teacher' ? 10 : 16;
      assert.equal(Object.keys(found.differences).length, compared);
      for (const [figure, difference] of Object.entries(found.differences)) {
        assert.ok(difference <= 1e-6, `${figure}: ${difference}`);
      }
      // Two bootstraps with other random numbers.
      assert.ok(found.intervalDifference < 0.02, `interval: ${found.intervalDifference}`);
    });
  }

  for (const variant of STUDENTS) {
    test(`numpy finds the linear CKA of ${variant} in its own graph`, async () => {
      const found = await runPython<{ rows: number; found: number; expected: number }>(
        'interop/features.py',
        run.artifact(`train-student:${variant}`, 'student'),
        run.artifact('prepare', 'tokens', 'student', 'test'),
        run.artifact('soft-label', 'rows', 'test'),
        run.artifact(`evaluate:${variant}`, 'metrics'),
      );
      assert.equal(found.rows, 240);
      assert.ok(Math.abs(found.found - found.expected) < 1e-5, JSON.stringify(found));
      assert.ok(found.found > 0.05 && found.found < 1);
    });
  }

  for (const task of ['multi-label', 'regression'] as const) {
    test(`scikit-learn and scipy find the figures of ${task}`, async () => {
      const folders = await evaluatedValues(run, 'modernbert', task);
      checkFigures(await runPython('interop/figures.py', task, ...folders), 240, 4);
    });
  }

  test('seqeval finds the entities', async () => {
    const folders = await evaluatedWords();
    const found = await runPython<FoundFigures>(
      'interop/figures.py',
      'token-classification',
      ...folders,
    );
    checkFigures(found, found.rows, 16);
    assert.ok(found.rows > 200);
  });

  test('the one-liners of the README open the cache', async () => {
    const lines = pythonLines();
    const libraries = lines.map((line) => /import (\w+)/.exec(line)?.[1]);
    assert.deepEqual(libraries, ['pyarrow', 'polars', 'duckdb']);
    const cache = run.artifact('soft-label');
    for (const line of lines) {
      const command = line
        .replace('python3', `'${pythonProgram()}'`)
        .replace('.decant/artifacts/soft-label/...', cache);
      const { code, stdout, stderr } = await runProgram('sh', ['-c', command]);
      assert.equal(code, 0, `${line}\n${stderr}`);
      assert.match(stdout, /example_i/); // polars breaks long names
    }
  });
});

interface StudentAnswers {
  readonly probeRows: number;
  readonly logitDifference: number;
  readonly predictions: number;
  readonly confidenceDifference: number;
  readonly longest: number;
}

interface ScikitAnswers extends FoundFigures {
  readonly intervalDifference: number;
}

/** A bag is no class of transformers: only its two files are compared. */
function classNamesFile(variant: (typeof STUDENTS)[number]): string[] {
  return variant === 'bag' ? [] : [join(goldenFolder, 'transformers-names', `${variant}.json`)];
}

/** Of students with two layers. */
const TENSORS = { modernbert: 18, bert: 41, bag: 5 } as const;
