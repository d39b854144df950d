import assert from 'node:assert/strict';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { before, describe, test } from 'node:test';
import { type Metrics, readMetrics } from '#datasets/metrics/metrics.ts';
import { readSeedSpread } from '#datasets/metrics/seed-spread.ts';
import { assertRefused, succeed } from '#tests/support/cli-result.ts';
import { lastRun } from '#tests/support/last-run.ts';
import { smallProject } from '#tests/support/small-project.ts';

const POOLED = 'm_bert_pooler_activation_Tanh_output_0';
const project = smallProject({
  'soft-label': {
    topK: 3,
    temperatures: [1, 2],
    hidden: ['/m/bert/pooler/activation/Tanh_output_0'],
  },
  evaluate: {
    slices: ['channel', 'age'],
    robustness: { typos: { swapLetters: 0.5 }, drops: { dropWords: 0.5 } },
  },
  student: { architecture: 'bag', hiddenSize: 64, steps: 80, evaluateEvery: 80 },
  variants: { distilled: { seeds: [1, 2] } },
});

/** Where the only artifact of an instance is. */
function output(instance: string, name: string): string {
  const artifacts = ['.decant', 'artifacts', instance.replace(':', '@')];
  const [fingerprint = ''] = readdirSync(project.path(...artifacts));
  return project.path(...artifacts, fingerprint, name);
}

describe('slices, changed texts, features and seeds of one run', () => {
  let said = '';
  let students: Metrics[] = [];

  before(async () => {
    const file = project.path('test.jsonl');
    const rows = readFileSync(file, 'utf8').trimEnd().split('\n');
    const more = rows.map((line, at) => ({
      ...(JSON.parse(line) as object),
      channel: at % 3 === 0 ? 'app' : 'web',
      age: 20 + at,
    }));
    writeFileSync(file, more.map((row) => JSON.stringify(row)).join('\n'));
    said = await succeed(project, 'run');
    students = await Promise.all(
      ['distilled', 'distilled.seed2'].map((name) =>
        readMetrics(output(`evaluate:${name}`, 'metrics')),
      ),
    );
  });

  test('the slices of a column are all rows, and their figures put together those of all', () => {
    for (const { columnSlices = [], accuracy, rows } of students) {
      assert.deepEqual(
        columnSlices.map(({ column, value, rows: of }) => [column, value, of]),
        [
          ['channel', 'web', 24],
          ['channel', 'app', 12],
          ['age', '20 to 28', 9],
          ['age', '29 to 37', 9],
          ['age', '38 to 46', 9],
          ['age', '47 to 55', 9],
        ],
      );
      for (const column of ['channel', 'age']) {
        const right = columnSlices
          .filter((slice) => slice.column === column)
          .reduce((sum, { rows: of, figures }) => sum + of * (figures['accuracy'] ?? 0), 0);
        assert.ok(Math.abs(right / rows - accuracy) < 1e-9);
      }
    }
  });

  test('changed texts cost accuracy, and the drop is told', () => {
    for (const { robustness = [], accuracy } of students) {
      assert.deepEqual(
        robustness.map(({ name, rows, changed }) => [name, rows, changed]),
        [
          ['typos', 36, 36],
          ['drops', 36, 36],
        ],
      );
      for (const { figures, drops } of robustness) {
        assert.ok(
          Math.abs((drops['accuracy'] ?? 1) + (figures['accuracy'] ?? 0) - accuracy) < 1e-9,
        );
      }
      assert.ok((robustness[0]?.drops['accuracy'] ?? 0) > 0, 'half of the words are misspelt');
    }
  });

  test('a student of the same seed has features of its own, like those of the teacher', () => {
    const found = students.map(({ featureSimilarity }) => featureSimilarity);
    for (const one of found) {
      assert.ok(one !== undefined && 'linearCka' in one);
      const cka = one.linearCka[POOLED] ?? 0;
      assert.ok(one.rows === 36 && cka > 0.1 && cka < 1, `${cka}`);
    }
    assert.notDeepEqual(found[0], found[1]);
  });

  test('the students of two seeds are one line with mean and spread', async () => {
    const spread = await readSeedSpread(output('seed-spread:distilled', 'spread'));
    const [a = 0, b = 0] = students.map(({ accuracy }) => accuracy);
    const expected = { n: 2, mean: (a + b) / 2, sd: Math.abs(a - b) / Math.SQRT2 };
    const { min, max, ...found } = spread.figures['accuracy'] ?? assert.fail();
    assert.deepEqual([found.n, min, max], [2, Math.min(a, b), Math.max(a, b)]);
    assert.ok(Math.abs(found.mean - expected.mean) + Math.abs(found.sd - expected.sd) < 1e-9);
    assert.ok('robustness.typos.accuracy' in spread.figures);
    assert.deepEqual(lastRun(project).metrics['distilled']?.seeds?.['accuracy'], {
      ...found,
      min,
      max,
    });
    const percent = (share: number) => (100 * share).toFixed(1);
    const line = `distilled, 2 seeds +${percent(found.mean)} ± ${percent(found.sd)} %`;
    assert.match(said, new RegExp(line));
    assert.doesNotMatch(said, /distilled\.seed2/);
  });

  test('the report shows all of it', () => {
    const page = readFileSync(`${output('report', 'report')}/report.html`, 'utf8');
    for (const part of [
      'in the mean of 2 seeds',
      '<h2>Several seeds</h2>',
      '<h3>By channel</h3>',
      '<h3>Changed texts</h3>',
      POOLED,
      'PR-AUC',
    ]) {
      assert.ok(page.includes(part), part);
    }
  });

  test('gates hold for slices, changed texts and the mean of the seeds', async () => {
    const mean = (students[0]?.accuracy ?? 0) / 2 + (students[1]?.accuracy ?? 0) / 2;
    const gate = (name: string, least: number) => ['--set', `gate.${name}=${least}`];
    const refused = await project.decant(
      'run',
      ...gate('accuracy', mean - 1e-6),
      ...gate('slice.channel.web.accuracy', 1.1),
      ...gate('robustness.typos.accuracy', 0),
      ...gate('recall.card_arival', 0.1),
    );
    assertRefused(
      refused,
      4,
      /gate: slice\.channel\.web\.accuracy is 0\.\d+ in the mean of 2 seeds, wanted at least 1\.1; recall\.card_arival is not known \(did you mean recall\.card_arrival\?\)\n/,
    );
  });

  test('a column of too many texts, none, and texts that are not kept are refused', async () => {
    const run = (...set: string[]) =>
      project.decant('run', 'prepare', ...set.flatMap((one) => ['--set', one]));
    assertRefused(await run('evaluate.slices=[id]'), 3, /column "id" has 36 different values/);
    assertRefused(
      await run('privacy.storeTexts=false'),
      2,
      /evaluate\.robustness: changes the texts of the test rows/,
    );
  });
});
