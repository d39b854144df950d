import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { parse } from 'yaml';
import { listFiles } from '#cache/digest.ts';
import { writeExamples } from '#datasets/examples.ts';
import { writeInitialisation } from '#datasets/initialisation.ts';
import { writeMetrics } from '#datasets/metrics/metrics.ts';
import { writeOperatingPoint } from '#datasets/operating-point.ts';
import { readProbe, writeProbe } from '#datasets/probe.ts';
import { writeTargets } from '#datasets/targets.ts';
import { exportStudent } from '#stages/export-student/index.ts';
import { recommendedFile } from '#stages/export-student/quantized-file.ts';
import { BASELINE_FILE, parseBaseline } from '#stages/students/baseline.ts';
import { readDeployment } from '#stages/students/deployment.ts';
import { reportFixture } from '#tests/stages/report/report-fixture.ts';
import { failureOf } from '#tests/support/failure.ts';
import { runStage } from '#tests/support/run-stage.ts';
import { temporaryFolder } from '#tests/support/temporary-folder.ts';
import {
  classFolder,
  exampleId,
  labelFolder,
  TINY_CLASSES,
  tinyLogits,
  tinyStudent,
  tinyTokens,
  tokenFolder,
} from '#tests/support/tiny-world.ts';

const config = { name: 'distilled', teacherLicense: 'apache-2.0' };

test('the directory holds what Hugging Face tools look for, and a card', async () => {
  const run = await runStage(exportStudent, { config, inputs: await inputs() });
  const folder = run.outputs['student'] ?? '';
  assert.deepEqual(await listFiles(folder), [
    'README.md',
    'baseline.json',
    'config.json',
    'labels.d.ts',
    'model.safetensors',
    'onnx/model.onnx',
    'special_tokens_map.json',
    'tokenizer.json',
    'tokenizer_config.json',
  ]);
  assert.ok((run.counts['maxDifference'] ?? 1) < 1e-5);
  const card = readFileSync(join(folder, 'README.md'), 'utf8');
  assert.match(card, /^---\nlibrary_name: transformers\npipeline_tag: text-classification\n/);
  assert.match(card, /\| accuracy \| 89\.5 % \(95 % interval 88\.4 % to 90\.5 %\) \|/);
  assert.match(card, /accuracy on the validation split \| 100\.0 %/);
  assert.match(card, /Teacher: apache-2\.0/);
  assert.match(card, /Corpus: not stated/);
  assert.match(card, /- card_arrival/);
});

test('the card tells data, licence and figures in the way that Hugging Face reads', async () => {
  const given = await inputs();
  const examples = (name: string, count: number) => {
    const folder = join(temporaryFolder(), name);
    mkdirSync(folder);
    const rows = Array.from({ length: count }, (_, row) => ({
      exampleId: exampleId(row),
      split: 'train' as const,
      sourceId: null,
      text: `text ${row}`,
      textPair: null,
      weight: 1,
    }));
    return writeExamples(folder, rows).then(() => folder);
  };
  given['inputs/train'] = await examples('train', 1234);
  given['inputs/validation'] = await examples('validation', 12);
  given['labels/train'] = given['labels/validation'] ?? '';
  const sources = {
    train: ['labelled.csv', 'more|rows.jsonl'],
    validation: [],
    test: ['test.jsonl'],
    teachers: ['org/big, commit 0123456789ab'],
  };
  const settings = { config: { ...config, license: 'apache-2.0', sources }, inputs: given };
  const run = await runStage(exportStudent, settings);
  const card = readFileSync(join(run.outputs['student'] ?? '', 'README.md'), 'utf8');
  const [, yaml = '', text = ''] = card.split(/^---$/m);
  const head = parse(yaml);
  const { accuracy, macroF1 } = reportFixture().headline.metrics;
  assert.equal(head.license, 'apache-2.0');
  assert.deepEqual(head.metrics, ['accuracy', 'f1']);
  assert.deepEqual(head['model-index'], [
    {
      name: 'distilled',
      results: [
        {
          task: { type: 'text-classification' },
          dataset: { name: 'test split of the corpus (test.jsonl)', type: 'custom', split: 'test' },
          metrics: [
            { type: 'accuracy', name: 'accuracy', value: accuracy },
            { type: 'f1', name: 'macro-F1', value: macroF1 },
          ],
        },
      ],
    },
  ]);
  for (const line of [
    '| train | labelled.csv, more\\|rows.jsonl | 1,234 | 10 |',
    '| validation | held out of train | 12 | 10 |',
    '| test | test.jsonl | measured: 3,080 rows | |',
    'Soft labels of all of them are from org/big, commit 0123456789ab.',
    '## Intended use',
  ]) {
    assert.ok(text.includes(line), `${line}\n${text}`);
  }
});

test('a licence that nobody has stated does not stand in the head of the card', async () => {
  const card = await exportedFile(await inputs(), 'README.md');
  const [, yaml = ''] = card.split(/^---$/m);
  assert.equal(parse(yaml).license, undefined);
});

test('the card says how a student cuts long texts that others would cut otherwise', async () => {
  const given = await inputs();
  const cardOf = async () => {
    const { outputs } = await runStage(exportStudent, { config, inputs: given });
    return readFileSync(join(outputs['student'] ?? '', 'README.md'), 'utf8');
  };
  assert.doesNotMatch(await cardOf(), /Of a text that is too long/);
  const file = join(given['student'] ?? '', 'tokenizer_config.json');
  writeFileSync(file, '{"decant_long_texts": "head-tail"}');
  assert.match(await cardOf(), /Of a text that is too long .* first quarter and the end/);
});

test('the card says where the weights started', async () => {
  const given = await inputs();
  const student = given['student'] ?? '';
  const cardOf = async (further: object = {}) => {
    const settings = { config: { ...config, ...further }, inputs: given };
    const { outputs } = await runStage(exportStudent, settings);
    return readFileSync(join(outputs['student'] ?? '', 'README.md'), 'utf8');
  };
  assert.match(await cardOf(), /Its weights started at random\./);
  assert.match(await cardOf({ startsFrom: 'first' }), /started as those of the student "first"/);
  const record = { version: 1 as const, name: 'org/base', digests: ['ab12'] };
  await writeInitialisation(student, {
    ...record,
    from: 'teacher',
    take: 'all',
    layers: [0, 2],
    random: ['classifier.weight'],
  });
  assert.match(
    await cardOf(),
    /as layers 0, 2 of the teacher \(org\/base\), with what is around them; classifier\.weight started at random\./,
  );
  const embeddings = { from: 'checkpoint', take: 'embeddings' } as const;
  await writeInitialisation(student, { ...record, ...embeddings, widths: [384, 128] });
  assert.match(
    await cardOf(),
    /word pieces started as those of the model \(org\/base\) whose file has the SHA-256 `ab12`, narrowed from 384 to 128 numbers by SVD, all else at random\./,
  );
});

test('a graph that is not the trained student is refused and names the example', async () => {
  const given = await inputs();
  const probe = await readProbe(given['student'] ?? '');
  const [first, second, ...rest] = probe;
  assert.ok(first && second);
  const wrong = { ...second, logits: second.logits.map((logit) => logit + 2e-4) };
  await writeProbe(given['student'] ?? '', [first, wrong, ...rest]);
  const failure = await failureOf(runStage(exportStudent, { config, inputs: given }));
  assert.equal(failure.code, 'E_EXPORT_PROBE');
  assert.ok(failure.message.includes(exampleId(1)));
});

test('a probe of another number of classes, or an empty one, proves nothing and is refused', async () => {
  const given = await inputs();
  const [first] = await readProbe(given['student'] ?? '');
  assert.ok(first);
  await writeProbe(given['student'] ?? '', [{ ...first, logits: first.logits.slice(1) }]);
  const narrow = await failureOf(runStage(exportStudent, { config, inputs: given }));
  assert.equal(narrow.code, 'E_EXPORT_PROBE');
  await writeProbe(given['student'] ?? '', []);
  const empty = await failureOf(runStage(exportStudent, { config, inputs: given }));
  assert.equal(empty.code, 'E_EXPORT_STUDENT');
});

test('a missing tokenizer file is named', async () => {
  const given = await inputs();
  rmSync(join(given['student'] ?? '', 'tokenizer_config.json'));
  const failure = await failureOf(runStage(exportStudent, { config, inputs: given }));
  assert.equal(failure.code, 'E_EXPORT_STUDENT');
  assert.match(failure.message, /tokenizer_config\.json: the file is missing/);
});

test('labels of config.json in another order than the classes are refused', async () => {
  const given = await inputs();
  const file = join(given['student'] ?? '', 'config.json');
  const student = JSON.parse(readFileSync(file, 'utf8'));
  const id2label = { 0: 'age_limit', 1: 'top_up_failed', 2: 'card_arrival' };
  writeFileSync(file, JSON.stringify({ ...student, id2label }));
  const failure = await failureOf(runStage(exportStudent, { config, inputs: given }));
  assert.equal(failure.code, 'E_CLASSES_DIFFER');
});

test('int8 weights are a second file, measured beside the first, and the card recommends one', async () => {
  const given = await inputs();
  given['metrics/int8'] = given['metrics'] ?? '';
  const settings = { ...config, quantize: ['int8'] };
  const run = await runStage(exportStudent, { config: settings, inputs: given });
  const folder = run.outputs['student'] ?? '';
  assert.ok((await listFiles(folder)).includes('onnx/model_quantized.onnx'));
  const card = readFileSync(join(folder, 'README.md'), 'utf8');
  assert.match(card, /\| `onnx\/model_quantized\.onnx` \| [\d.]+ MB \| 100\.0 % \| 89\.5 % \|/);
  // The tiny student has nothing worth quantising.
  assert.match(card, /Recommended: `onnx\/model\.onnx`/);
  assert.match(run.notes.join('\n'), /Recommended: `onnx\/model\.onnx`/);
  const { recommended_file: recommended } = await readDeployment(folder);
  assert.equal(recommended?.file, 'onnx/model.onnx');
});

test('the smaller file is recommended where it keeps the figure of the task', () => {
  const recommended = (name: string, before: number | null, now: number, isSmaller = true) =>
    recommendedFile(
      { float32: { name, value: before }, int8: { name, value: now } },
      { isSmaller },
    );
  for (const [name, before, kept, lost, margin] of [
    ['accuracy', 0.9, 0.8971, 0.8969, '0.3 points'],
    ['entityF1', 0.9, 0.8971, 0.8969, '0.3 points'],
    ['microF1', 0.9, 0.95, 0.89, '0.3 points'],
    ['pearson', 0.8, 0.7971, 0.7969, '0.003'],
    ['perplexity', 50, 50.4, 50.6, '1 %'],
  ] as const) {
    const { file, because } = recommended(name, before, kept);
    assert.equal(file, 'onnx/model_quantized.onnx', name);
    assert.ok(because.endsWith(`on validation within ${margin}`), because);
    assert.equal(recommended(name, before, kept, false).file, 'onnx/model.onnx', 'not smaller');
    assert.equal(recommended(name, before, lost).file, 'onnx/model.onnx', name);
  }
  assert.match(recommended('microF1', null, 0.9).because, /no micro-F1 on validation/);
  const answered = { goal: 'precision >= 0.95', rows: 993, answered: 731, right: 690 };
  const figures = {
    float32: { name: 'accuracy', value: 0.9 },
    int8: { name: 'accuracy', value: 0.9 },
  };
  const missed = recommendedFile({ ...figures, answered }, { isSmaller: true });
  assert.equal(missed.file, 'onnx/model.onnx');
  assert.match(missed.because, /int8 weights miss precision >= 0\.95 on validation/);
});

test('the export carries what the student said on validation', async () => {
  const run = await runStage(exportStudent, { config, inputs: await inputs() });
  const folder = run.outputs['student'] ?? '';
  const { rows, classes, length } = parseBaseline(
    readFileSync(join(folder, BASELINE_FILE), 'utf8'),
  );
  assert.equal(rows, 12);
  assert.deepEqual(
    classes.map(({ label }) => label),
    TINY_CLASSES,
  );
  const sum = (shares: readonly number[]) => shares.reduce((all, share) => all + share, 0);
  assert.ok(Math.abs(sum(classes.map(({ share }) => share)) - 1) < 1e-12);
  assert.ok(Math.abs(sum(length.shares) - 1) < 1e-12);
});

test('a student of several labels or numbers is compared by the figure of its task', async () => {
  for (const [task, problemType, figure] of [
    ['multi-label', 'multi_label_classification', 'micro-F1'],
    ['regression', 'regression', 'Pearson'],
  ] as const) {
    const given = await valueInputs(task, problemType);
    const settings = { ...config, quantize: ['int8'] };
    const run = await runStage(exportStudent, { config: settings, inputs: given });
    const folder = run.outputs['student'] ?? '';
    const card = readFileSync(join(folder, 'README.md'), 'utf8');
    const value = task === 'regression' ? '1.00' : '100.0 %';
    assert.ok(card.includes(`| ${figure} on the validation split | ${value} |`), card);
    assert.ok(card.includes(`| file | size | ${figure}, validation | test |`), card);
    assert.match(run.notes.join('\n'), new RegExp(`of the ${figure} on validation, or are not`));
    assert.equal(existsSync(join(folder, BASELINE_FILE)), task === 'multi-label');
  }
});

test('the operating point goes into config.json, card and baseline, as the answers will have it', async () => {
  const given = await inputs();
  const folder = join(temporaryFolder(), 'operating-point');
  const always = parseBaseline(await exportedFile(given, BASELINE_FILE));
  const figures = { goal: 'precision >= 0.95', rows: 10, answered: 9, right: 9 };
  const point = { temperature: 4, threshold: 0.5, thresholds: { card_arrival: 0.4 } };
  await writeOperatingPoint(folder, {
    formatVersion: 1,
    ...point,
    rowsForOwn: 20,
    sharing: TINY_CLASSES.slice(1),
    validation: figures,
  });
  const { metrics } = reportFixture().headline;
  const test = { ...figures, rows: 3079, answered: 2402, right: 2291 };
  await writeMetrics(given['metrics'] ?? '', { ...metrics, operatingPoint: test });
  given['operating-point'] = folder;
  const exported = JSON.parse(await exportedFile(given, 'config.json')) as Exported;
  assert.deepEqual(exported.decant, { operating_point: { goal: figures.goal, ...point } });
  assert.equal(exported.model_type, 'tiny');
  const card = await exportedFile(given, 'README.md');
  assert.match(card, /\| validation, 10 rows \| 90\.0 % \| 100\.0 % \|/);
  assert.match(card, /\| test, 3,079 rows \| 78\.0 % \| 95\.4 % \|/);
  assert.match(card, /fewer than 20 validation rows .*: 2 of them\./);
  // Monitor compares with confidences as they will be told: after the temperature.
  const cooled = parseBaseline(await exportedFile(given, BASELINE_FILE));
  const highest = (edges: readonly number[]) => edges.at(-1) ?? Number.NaN;
  assert.ok(highest(cooled.confidence.edges) < highest(always.confidence.edges) - 0.1);
});

test('thresholds of float32 weights are tried with int8 ones, and the card says what comes of it', async () => {
  const cardAt = async (precision: number, threshold: number) => {
    const given = await inputs();
    given['metrics/int8'] = given['metrics'] ?? '';
    given['operating-point'] = join(temporaryFolder(), 'operating-point');
    await writeOperatingPoint(given['operating-point'], {
      formatVersion: 1,
      temperature: 1,
      threshold,
      thresholds: {},
      rowsForOwn: null,
      sharing: [],
      validation: { goal: `precision >= ${precision}`, rows: 10, answered: 9, right: 9 },
    });
    const settings = { ...config, quantize: ['int8'] };
    const { outputs } = await runStage(exportStudent, { config: settings, inputs: given });
    return readFileSync(join(outputs['student'] ?? '', 'README.md'), 'utf8');
  };
  const reached = await cardAt(0.9, 0);
  assert.match(reached, /\| validation, `onnx\/model\.onnx`, 10 rows \| 90\.0 % \| 100\.0 % \|/);
  assert.match(
    reached,
    /\| validation, `onnx\/model_quantized\.onnx`, 10 rows \| 100\.0 % \| 100\.0 % \|/,
  );
  assert.match(reached, /int8 weights reach the goal as well on validation/);
  // No int8 answer is sure enough: there is nothing that could be right.
  const missed = await cardAt(0.9, 2);
  assert.match(missed, /int8 weights miss the goal on validation/);
  assert.match(missed, /`onnx\/model\.onnx`: int8 weights miss precision >= 0\.9 on validation/);
});

test('two exports have the same bytes', async () => {
  const given = await inputs();
  const [first, second] = [
    await runStage(exportStudent, { config, inputs: given }),
    await runStage(exportStudent, { config, inputs: given }),
  ];
  for (const file of await listFiles(first.outputs['student'] ?? '')) {
    const bytes = [first, second].map(({ outputs }) =>
      readFileSync(join(outputs['student'] ?? '', file)),
    );
    assert.deepEqual(bytes[0], bytes[1], file);
  }
});

async function exportedFile(given: Record<string, string>, file: string): Promise<string> {
  const { outputs } = await runStage(exportStudent, { config, inputs: given });
  return readFileSync(join(outputs['student'] ?? '', file), 'utf8');
}

interface Exported {
  readonly model_type: string;
  readonly decant: unknown;
}

/** The same student, as if its logits were yes and no of each class, or numbers. */
async function valueInputs(
  task: 'multi-label' | 'regression',
  problemType: string,
): Promise<Record<string, string>> {
  const given = await inputs();
  const file = join(given['student'] ?? '', 'config.json');
  const student = JSON.parse(readFileSync(file, 'utf8'));
  writeFileSync(file, JSON.stringify({ ...student, problem_type: problemType }));
  const ids = Array.from({ length: 12 }, (_, row) => exampleId(row));
  const tokens = tinyTokens(ids);
  const labels = join(temporaryFolder(), 'labels');
  mkdirSync(labels);
  await writeTargets(
    labels,
    ids.slice(0, 10).map((id, row) => {
      const logits = tinyLogits(tokens, row);
      const targets = task === 'regression' ? logits : logits.map((one) => (one > 0 ? 1 : 0));
      return { exampleId: id, targets: Float32Array.from(targets) };
    }),
  );
  const figures = task === 'regression' ? { pearson: 0.9 } : { microF1: 0.8, macroF1: 0.7 };
  await writeMetrics(given['metrics'] ?? '', {
    formatVersion: 1,
    task,
    name: 'distilled',
    subject: 'student',
    rows: 10,
    figures,
    agreement: 0.9,
    parameters: 10,
    fileBytes: 1000,
    perClass: [],
  });
  return { ...given, 'labels/validation': labels, 'metrics/int8': given['metrics'] ?? '' };
}

async function inputs(): Promise<Record<string, string>> {
  const folder = temporaryFolder();
  const ids = Array.from({ length: 12 }, (_, row) => exampleId(row));
  const tokens = tinyTokens(ids);
  const gold = ids.slice(0, 10).map((id, row) => {
    const logits = tinyLogits(tokens, row);
    return [id, logits.indexOf(Math.max(...logits))];
  });
  const metrics = join(folder, 'metrics');
  mkdirSync(metrics);
  await writeMetrics(metrics, reportFixture().headline.metrics);
  return {
    student: await tinyStudent(join(folder, 'student'), tokens),
    metrics,
    classes: await classFolder(join(folder, 'classes')),
    'tokens/student/validation': await tokenFolder(join(folder, 'tokens'), tokens),
    'labels/validation': await labelFolder(join(folder, 'labels'), Object.fromEntries(gold)),
  };
}
