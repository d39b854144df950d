import assert from 'node:assert/strict';
import { appendFileSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { before, test } from 'node:test';
import { stringify } from 'yaml';
import { readMetrics } from '#datasets/metrics/metrics.ts';
import { assertRefused, succeed } from '#tests/support/cli-result.ts';
import { jsonLines } from '#tests/support/corpus-file.ts';
import { finished } from '#tests/support/exported-students.ts';
import { lastRun } from '#tests/support/last-run.ts';
import { type MiniProject, miniConfig } from '#tests/support/mini-project.ts';
import { writeSentenceEncoder } from '#tests/support/sentence-encoder.ts';
import { smallConfig, smallProject } from '#tests/support/small-project.ts';

// Answers as somebody would have given them, for all rows but a few, and an encoder without a head.
const teacher = {
  answers: 'answers.jsonl',
  missing: 'skip',
  tokenizer: 'encoder',
  maxLength: 64,
  license: 'CC-BY-4.0',
};
const project = smallProject({
  corpus: { ...miniConfig.corpus, license: 'MIT' },
  teacher,
  teachers: { encoder: { embeddings: 'encoder', head: 'fit' } },
  variants: { mixed: { temperature: 1 } },
});
const SILENT = 3;

before(async () => {
  mkdirSync(project.path('encoder'));
  writeSentenceEncoder(project.path('encoder'), 'mini');
  writeFileSync(project.path('encoder', 'README.md'), '---\nlicense: apache-2.0\n---\n');
  const answers = rowsOf(project).map(({ id, label }, row) =>
    row % 2 === 0 ? { id, label } : { id, votes: [label, label, 'exchange_rate'] },
  );
  writeFileSync(project.path('answers.jsonl'), jsonLines(answers.slice(SILENT)));
  await succeed(project, 'run');
});

/** Rows of the corpus with a label each; those without one get one that is often wrong. */
function rowsOf(project: MiniProject): { id: string; label: string }[] {
  const [, ...lines] = readFileSync(project.path('labelled.csv'), 'utf8').trimEnd().split('\n');
  const labelled = lines.map((line) => ({
    id: line.split(',')[0] ?? '',
    label: line.split(',').at(-1)?.trim() ?? '',
  }));
  const others = ['unlabelled', 'validation', 'test'].flatMap((name) =>
    readFileSync(project.path(`${name}.jsonl`), 'utf8')
      .trimEnd()
      .split('\n')
      .map((line): { id: string; label?: string } => JSON.parse(line)),
  );
  return [...labelled, ...others.map(({ id, label = 'card_arrival' }) => ({ id, label }))];
}

test('answers and a sentence encoder are teachers as any other, and can be mixed', async () => {
  const { artifact } = finished(project);
  const answers = await readMetrics(artifact('evaluate:teacher', 'metrics'));
  const encoder = await readMetrics(artifact('evaluate:encoder', 'metrics'));
  assert.equal(answers.accuracy, 1);
  assert.deepEqual([answers.fileBytes, answers.parameters], [0, null]);
  assert.ok(encoder.accuracy > 0.6 && (encoder.parameters ?? 0) > 500_000, `${encoder.accuracy}`);
  const { stages, metrics } = lastRun(project);
  assert.equal(stages['soft-label']?.result?.counts['unanswered'], SILENT);
  assert.equal(metrics['teacher']?.latencyMsP50, null);
  const info = await succeed(project, 'cache', 'info');
  assert.match(info, /made with +answers on none/);
  const report = readFileSync(artifact('report', 'report', 'report.html'), 'utf8');
  assert.match(report, /keeps [\d.]+.% of the teacher’s accuracy[,.]/);
});

test('licences go into manifest, card and report, those beside a model by themselves', () => {
  const made = finished(project);
  const read = (instance: string, ...place: string[]) =>
    readFileSync(made.artifact(instance, ...place), 'utf8');
  const licensesOf = (instance: string) => {
    const { environment } = JSON.parse(read(instance, 'manifest.json'));
    return [environment.teacherLicense, environment.corpusLicense];
  };
  assert.deepEqual(licensesOf('soft-label'), ['CC-BY-4.0', 'MIT']);
  assert.deepEqual(licensesOf('soft-label:encoder'), ['apache-2.0', 'MIT']);
  const card = read('export-student:mixed', 'student', 'README.md');
  assert.match(card, /- Teacher: CC-BY-4\.0\n- Teacher encoder: apache-2\.0\n- Corpus: MIT\n/);
  const report = read('report', 'report', 'report.html');
  assert.match(report, /Licence of the teacher<\/dt><dd>CC-BY-4\.0/);
  assert.match(report, /Licence of the teacher encoder<\/dt><dd>apache-2\.0/);
  assert.match(report, /Licence of the corpus<\/dt><dd>MIT/);
});

test('the cache of answers is whole, and nobody can be asked again', async () => {
  assert.match(await succeed(project, 'cache', 'verify'), /all as sealed/);
  const refused = await project.decant('cache', 'verify', '--against-teacher');
  assertRefused(refused, 2, /stand in files, there is no model to ask/);
  const alone = stringify({ ...smallConfig, corpus: miniConfig.corpus, teacher });
  writeFileSync(project.path('answers.yaml'), alone);
  const unasked = await project.decant('estimate', '--config', 'answers.yaml');
  assertRefused(unasked, 2, /no model to ask/);
  const encoder = await succeed(project, 'estimate', '--seconds', '0.2');
  assert.match(encoder, /^encoder +0 of [\d,]+ rows, the others stand in sealed caches$/m);
  const asked = ['--against-teacher', '--teacher', 'encoder', '--sample', '20%'];
  assert.match(await succeed(project, 'cache', 'verify', ...asked), /another best class +0 rows/);
});

test('more answers make the cache anew, and no model runs', async () => {
  const more = rowsOf(project).slice(0, SILENT);
  appendFileSync(project.path('answers.jsonl'), jsonLines(more));
  const foreseen = await succeed(project, 'run', '--dry-run', 'soft-label');
  assert.match(foreseen, /soft-label +run +0 .*answers\.jsonl changed/);
  await succeed(project, 'run', '--to', 'soft-label', '--set', 'teacher.missing=error');
  const { stages } = lastRun(project);
  const counts = stages['soft-label']?.result?.counts ?? {};
  assert.deepEqual([counts['unanswered'], counts['teacherRows']], [0, 0]);
  assert.equal(stages['fit-head:encoder']?.status, 'fresh');
});

test('views are asked of an encoder, too, with the one head that was fitted to the rows', async () => {
  const settings = {
    ...smallConfig,
    corpus: miniConfig.corpus,
    teacher: { embeddings: 'encoder', head: 'fit', maxLength: 64 },
    augmentations: [{ dropWords: 0.2 }],
  };
  writeFileSync(project.path('views.yaml'), stringify(settings));
  await succeed(project, 'run', '--config', 'views.yaml', '--to', 'soft-label');
  const { stages } = lastRun(project);
  const asked = (name: string) => stages[name]?.result?.counts['teacherRows'] ?? 0;
  assert.ok(asked('soft-label:teacher.views') > 20, JSON.stringify(Object.keys(stages)));
  assert.ok(asked('soft-label') > asked('soft-label:teacher.views'));
  assert.equal(Object.keys(stages).filter((name) => name.startsWith('fit-head')).length, 1);
});
