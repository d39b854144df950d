import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { before, describe, test } from 'node:test';
import { isOfValues, readAnyMetrics, readMetrics } from '#datasets/metrics/metrics.ts';
import { readSeedSpread } from '#datasets/metrics/seed-spread.ts';
import { loadStudent } from '#stages/students/student-service.ts';
import { succeed } from '#tests/support/cli-result.ts';
import { failingWith } from '#tests/support/failure.ts';
import {
  GENRE_ROWS,
  genre,
  headsConfig,
  headsProject,
  SUBJ,
  scores,
} from '#tests/support/heads-project.ts';
import { lastRun } from '#tests/support/last-run.ts';
import type { MiniProject } from '#tests/support/mini-project.ts';
import { decantProgram } from '#tests/support/paths.ts';
import { smallProject } from '#tests/support/small-project.ts';
import { filesHolding } from '#tests/support/store-texts.ts';

const TEXTS = ['the movie begins in the past', 'smart and alert , a small gem', 'where is my card'];

describe('one student of three tasks', { skip: SUBJ.skip }, () => {
  let project: MiniProject;
  let student: string;

  const artifact = (instance: string, ...parts: string[]): string => {
    const { fingerprint = '' } = lastRun(project).stages[instance]?.result ?? {};
    const folder = project.path('.decant', 'artifacts', instance.replace(':', '@'));
    return join(folder, fingerprint.slice(0, 16), ...parts);
  };
  const predict = (...args: readonly string[]) => {
    const command = decantProgram;
    const given = ['predict', '--student', student, '--json', ...args];
    const input = TEXTS.map((text) => `${text}\n`).join('');
    return spawnSync(process.execPath, [command, ...given], { input, encoding: 'utf8' });
  };
  const labelsIn = (stdout: string): string[] =>
    stdout
      .trim()
      .split('\n')
      .map((line) => (JSON.parse(line) as { label: string }).label);

  before(async () => {
    project = headsProject({
      heads: { genre, scores },
      variants: { both: { seeds: [1, 2] } },
      export: { quantize: ['int8'] },
      gate: { heads: { genre: { accuracy: 0.1 } } },
    });
    const said = await succeed(project, 'run');
    assert.match(said, /^both\.genre, 2 seeds +\d+\.\d ± \d/m);
    assert.match(said, /^model +Pearson [^]*^both\.scores, 2 seeds +/m);
    assert.doesNotMatch(said, /seed2/);
    student = artifact('export-student:both', 'student');
  });

  test('each head is measured on its own rows, beside its own teacher', async () => {
    const measured = await readMetrics(artifact('evaluate:both.genre', 'metrics'));
    assert.deepEqual([measured.rows, measured.perClass.length], [GENRE_ROWS.test, 2]);
    assert.notEqual(measured.agreement, null);
    const teacher = await readMetrics(artifact('evaluate:teacher.genre', 'metrics'));
    assert.equal(teacher.accuracy, 1);
    const log = readFileSync(artifact('train-student:both', 'log', 'metrics.jsonl'), 'utf8');
    assert.match(log, /"validationAccuracy\.genre":0\.\d/);
    const page = readFileSync(artifact('report', 'report', 'report.html'), 'utf8');
    assert.match(page, /<h2>Further tasks<\/h2>[^]*genre[^]*100\.0[^]*both<[^]* ± /);
    const card = readFileSync(join(student, 'README.md'), 'utf8');
    assert.match(card, /\| `genre` \| 2 \| 30 \| /);
  });

  test('a head of numbers is measured, kept and asked as such', async () => {
    const measured = await readAnyMetrics(artifact('evaluate:both.scores', 'metrics'));
    assert.ok(isOfValues(measured) && measured.task === 'regression');
    assert.equal(measured.rows, 12);
    const teacher = await readAnyMetrics(artifact('evaluate:teacher.scores', 'metrics'));
    assert.ok(isOfValues(teacher) && (teacher.figures['pearson'] ?? 0) > 0.5);
    const log = readFileSync(artifact('train-student:both', 'log', 'metrics.jsonl'), 'utf8');
    assert.match(log, /"validationError\.scores":\d/);
    const loaded = await loadStudent(student, { head: 'scores' });
    try {
      const [numbers = {}] = await loaded.values(TEXTS);
      assert.deepEqual(Object.keys(numbers).sort(), [...loaded.classNames].sort());
      assert.equal(loaded.classNames.length, 12);
    } finally {
      await loaded.close();
    }
  });

  test('the int8 file answers every head, and each head decides whether it is recommended', async () => {
    const measured = await readMetrics(artifact('evaluate:both.int8.genre', 'metrics'));
    assert.equal(measured.rows, GENRE_ROWS.test);
    assert.ok(
      measured.fileBytes < (await readMetrics(artifact('evaluate:both', 'metrics'))).fileBytes,
    );
    const { decant } = JSON.parse(readFileSync(join(student, 'config.json'), 'utf8'));
    assert.match(decant.recommended_file.because, /head/);
    const card = readFileSync(join(student, 'README.md'), 'utf8');
    assert.match(
      card,
      /\| `onnx\/model_quantized\.onnx`, head `genre` \| +\| \d+\.\d % \| \d+\.\d % \|/,
    );
    const asked = predict('--head', 'genre', '--precision', 'int8');
    assert.equal(asked.status, 0, asked.stderr);
    assert.ok(labelsIn(asked.stdout).every((label) => label.endsWith('jective')));
  });

  test('the mean over seeds of a head is what its gate looks at', async () => {
    const names = ['both.genre', 'both.seed2.genre'];
    const accuracies = await Promise.all(
      names.map(
        async (name) => (await readMetrics(artifact(`evaluate:${name}`, 'metrics'))).accuracy,
      ),
    );
    const spread = await readSeedSpread(artifact('seed-spread:both.genre', 'spread'));
    const mean = accuracies.reduce((sum, one) => sum + one, 0) / 2;
    assert.deepEqual(spread.students, names);
    assert.ok(Math.abs((spread.figures['accuracy']?.mean ?? 0) - mean) < 1e-9);
    const gate = 'gate={"heads":{"genre":{"accuracyVsTeacher":2}}}';
    const failed = await project.decant('run', '--set', gate);
    assert.equal(failed.code, 4, failed.stderr);
    // The teacher of genre is right on all of its rows.
    assert.match(
      failed.stderr,
      /heads\.genre\.accuracyVsTeacher is (0\.\d+) in the mean of 2 seeds, wanted at least 2/,
    );
  });

  test('predict and loadStudent ask the head by its name', async () => {
    const first = predict();
    assert.equal(first.status, 0, first.stderr);
    assert.ok(labelsIn(first.stdout).every((label) => label.includes('_')));
    const asked = predict('--head', 'genre');
    assert.equal(asked.status, 0, asked.stderr);
    const loaded = await loadStudent(student, { head: 'genre' });
    try {
      assert.deepEqual(loaded.classNames, ['objective', 'subjective']);
      const answers = await loaded.classify(TEXTS);
      assert.deepEqual(
        answers.map(({ label }) => label),
        labelsIn(asked.stdout),
      );
    } finally {
      await loaded.close();
    }
    const wrong = predict('--head', 'gender');
    assert.equal(wrong.status, 2);
    assert.match(wrong.stderr, /has no head "gender"[^]*genre/);
    await assert.rejects(
      loadStudent(artifact('export-student:both', 'student', 'onnx'), { head: 'genre' }),
      failingWith('E_STUDENT', 'config.json'),
    );
  });

  test('config.json and model.safetensors are those of a student with the first head alone', () => {
    const config = JSON.parse(readFileSync(join(student, 'config.json'), 'utf8'));
    assert.equal(Object.keys(config.id2label).length, 12);
    assert.deepEqual(config.decant.heads, {
      genre: { id2label: { 0: 'objective', 1: 'subjective' }, output: 'logits_genre' },
      scores: { id2label: config.id2label, output: 'logits_scores', problem_type: 'regression' },
    });
    assert.equal(config.problem_type, undefined);
    const namesIn = (file: string) => {
      const bytes = readFileSync(join(student, file));
      const header = bytes.subarray(8, 8 + Number(bytes.readBigUInt64LE()));
      return Object.keys(JSON.parse(header.toString())).filter((name) => name !== '__metadata__');
    };
    assert.deepEqual(namesIn('heads.safetensors').sort(), [
      'heads.genre.bias',
      'heads.genre.weight',
      'heads.scores.bias',
      'heads.scores.weight',
    ]);
    assert.ok(namesIn('model.safetensors').every((name) => !name.startsWith('heads.')));
  });

  test('the views of a head are of its corpus', async () => {
    const query =
      'select variant, predicted_label in (select class_name from classes) as known, count(*) as n, (select count(*) from examples) as examples, (select count(*) from soft_labels where gold_label = top_label) as agreed from predictions group by all order by variant';
    const rows = JSON.parse(
      await succeed(project, 'cache', 'sql', '--teacher', 'genre', '--format', 'json', query),
    ) as Record<string, unknown>[];
    const { train, validation, test: tested } = GENRE_ROWS;
    const all = train + validation + tested;
    assert.deepEqual(
      rows.map(({ variant, known, n }) => [variant, known, n]),
      [
        ['both', true, all],
        ['both.int8', true, tested],
        ['both.seed2', true, all],
        ['teacher', true, tested],
      ],
    );
    assert.ok(rows.every(({ examples, agreed }) => examples === all && agreed === all));
    const first = await succeed(
      project,
      'cache',
      'sql',
      '--format',
      'json',
      'select distinct variant from predictions order by 1',
    );
    assert.deepEqual(
      JSON.parse(first),
      ['both', 'both.int8', 'both.seed2', 'teacher'].map((variant) => ({ variant })),
    );
  });

  test('looking ahead counts the rows of a changed head in a scratch store', async () => {
    const file = project.path('genre-train.jsonl');
    const before = readFileSync(file, 'utf8');
    writeFileSync(file, before.split('\n').slice(0, 50).join('\n'));
    const dry = JSON.parse(await succeed(project, 'run', '--dry-run', '--json'));
    writeFileSync(file, before);
    const would = new Map(
      (dry.stages as { stage: string; would: string }[]).map((one) => [one.stage, one.would]),
    );
    assert.equal(would.get('prepare'), 'keep');
    assert.equal(would.get('soft-label'), 'keep');
    assert.equal(would.get('prepare:genre'), 'run');
    assert.equal(would.get('soft-label:genre'), 'run');
    assert.equal(would.get('train-student:both'), 'look');
  });

  test('a row of a head is forgotten everywhere, and its students and files are named', async () => {
    const [line = ''] = readFileSync(project.path('genre-train.jsonl'), 'utf8').split('\n');
    const { id, text } = JSON.parse(line) as { id: string; text: string };
    writeFileSync(project.path('ids.txt'), `${id}\n`);
    const said = await succeed(project, 'forget', '--ids', 'ids.txt');
    assert.match(said, /genre-train\.jsonl/);
    assert.match(said, /genre-answers\.jsonl/);
    assert.doesNotMatch(said, /labelled\.csv/);
    const [name = ''] = readdirSync(project.path('.decant', 'receipts'));
    const receipt = JSON.parse(readFileSync(project.path('.decant', 'receipts', name), 'utf8'));
    assert.deepEqual(
      receipt.students.map(({ instance, trainedOn }: Record<string, unknown>) => [
        instance,
        trainedOn,
      ]),
      ['both', 'both.seed2'].map((name) => [`train-student:${name}`, 1]),
    );
    assert.equal(receipt.exports[0]?.instance, 'export-student:both');
    assert.deepEqual(await filesHolding(project.path('.decant'), [text, id]), []);
  });
});

test('an estimate counts the pass of the teacher of each head', async () => {
  const corpus = { train: 'labelled.csv', validation: 'validation.jsonl', test: 'test.jsonl' };
  const again = { corpus, teacher: { model: 'teacher' } };
  const asked = smallProject({ ...headsConfig, heads: { again } });
  const said = await succeed(asked, 'estimate', '--seconds', '1', '--json');
  const { rows, teachers } = JSON.parse(said) as Estimated;
  assert.equal(rows.train + rows.validation + rows.test, 172 + 132);
  assert.deepEqual(
    teachers.map(({ name, teacherRows }) => [name, teacherRows]),
    [
      ['teacher', 172],
      ['again', 132],
    ],
  );
});

interface Estimated {
  readonly rows: { readonly train: number; readonly validation: number; readonly test: number };
  readonly teachers: readonly { readonly name: string; readonly teacherRows: number }[];
}
