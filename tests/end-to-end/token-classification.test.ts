import assert from 'node:assert/strict';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { before, describe, test } from 'node:test';
import { parse, stringify } from 'yaml';
import { listArtifacts } from '#cache/artifact-store.ts';
import type { Metrics } from '#datasets/metrics/metrics.ts';
import { readCorpusSplit } from '#pipeline/labels/corpus-split.ts';
import { openStudent } from '#stages/students/open-student.ts';
import { assertRefused, succeed } from '#tests/support/cli-result.ts';
import { rehearseIn } from '#tests/support/rehearsal.ts';
import {
  untrainedTagger,
  WNUT,
  WNUT_CLASSES,
  type WordProject,
  wordProject,
} from '#tests/support/word-project.ts';

const sizes = { train: 300, validation: 80, test: 80 };
/** Of the test split, two of whose sentences repeat others. */
const SENTENCES = 78;
const training = { steps: 90, evaluateEvery: 45, checkpointEvery: 45, batchSize: 16 };

describe('token classification, from gold labels to a distilled tagger', {
  skip: WNUT.skip,
}, () => {
  let teacher = '';
  let project: WordProject;
  let metrics: ReadonlyMap<string, Metrics>;

  before(async () => {
    // No real tagger is at hand: the project's own trainer makes one of gold labels.
    const source = wordProject(untrainedTagger(WNUT_CLASSES), sizes, {
      student: { architecture: 'bert', hiddenSize: 64, ...training },
      variants: { 'gold-only': { softLossWeight: 0, hardLossWeight: 1 } },
    });
    await succeed(source, 'run', '--to', 'train-student', '--quiet');
    teacher = folderOf(source, 'train-student@gold-only', 'student');
    project = wordProject(teacher, sizes, {
      'soft-label': { topK: 5, temperatures: [1, 2] },
      student: { layers: 1, hiddenSize: 64, ...training, steps: 120 },
      variants: { distilled: { temperature: 2, learningRate: 0.002 } },
    });
    const outcome = JSON.parse(await succeed(project, 'run', '--json', '--quiet'));
    metrics = new Map(
      outcome.models.map(({ name, metrics }: { name: string; metrics: Metrics }) => [
        name,
        metrics,
      ]),
    );
  });

  test('a trained tagger is a teacher as it lies, and its student follows it word by word', () => {
    const config = JSON.parse(readFileSync(join(teacher, 'config.json'), 'utf8'));
    assert.deepEqual(config.architectures, ['BertForTokenClassification']);
    assert.deepEqual(Object.values(config.id2label), WNUT_CLASSES);
    const distilled = metrics.get('distilled');
    assert.ok((distilled?.agreement ?? 0) > 0.95, `agreement ${distilled?.agreement}`);
    assert.ok((distilled?.accuracy ?? 0) > 0.8);
    assert.equal(distilled?.words?.sentences, SENTENCES);
    assert.ok((distilled?.words?.entities?.support ?? 0) > 50);
  });

  test('the cache has a row a word, with its gold label where SQL looks', async () => {
    const answer = await succeed(
      project,
      'cache',
      'sql',
      '--format',
      'json',
      `select count(*)::int as rows, count(gold_label)::int as labelled, max(position)::int as last,
        count(distinct example_id)::int as sentences from soft_labels where split = 'test'`,
    );
    const [row] = JSON.parse(answer);
    assert.ok(row.sentences === SENTENCES && row.rows > 1000 && row.last > 20, answer);
    assert.equal(row.labelled, row.rows);
  });

  test('teacher check shows words in their sentences, and counts entities only', async () => {
    const answer = JSON.parse(await succeed(project, 'teacher', 'check', teacher, '--json'));
    assert.equal(answer.samples.length, 8);
    assert.ok(answer.samples.every(({ text }: { text: string }) => / in: /.test(text)));
    assert.ok(answer.skill.rows > 20 && answer.skill.majority < 0.6);
  });

  test('the exported student names the words of a sentence, and predict writes CoNLL columns', async () => {
    const folder = folderOf(project, 'export-student@distilled', 'student');
    const card = readFileSync(join(folder, 'README.md'), 'utf8');
    assert.match(card, /pipeline_tag: token-classification/);
    const student = await openStudent(folder, { threads: 1 });
    try {
      const sentence = ['Empire', 'State', 'Building', '\u200d', '=', 'ESB'];
      const [words, alone] = await student.tag([sentence, ['ESB']]);
      assert.deepEqual(
        words?.map(({ word }) => word),
        sentence,
      );
      assert.deepEqual(words?.[3], { word: '\u200d', label: null, confidence: null });
      assert.ok(words?.every(({ label }) => label === null || WNUT_CLASSES.includes(label)));
      assert.equal(alone?.length, 1);
      await assert.rejects(student.classify(['a text']), /names words and not whole texts/);
    } finally {
      await student.close();
    }
  });

  test('the report shows entities beside words', () => {
    const page = readFileSync(join(folderOf(project, 'report', 'report'), 'report.html'), 'utf8');
    assert.match(page, /Entity F1/);
    assert.match(page, /labelled test words/);
  });

  test('a student of words is tried before the teacher is asked', async () => {
    const [prepared] = await listArtifacts(project.path('.decant'), 'prepare');
    assert.ok(prepared !== undefined);
    const [said = ''] = await rehearseIn(project, prepared, ['variants.distilled.steps=7']);
    assert.match(said, /^tries train-student:distilled/);
  });

  test('what looks at one label a row is refused by name', async () => {
    const prepared = { folder: folderOf(project, 'prepare', '') };
    await assert.rejects(readCorpusSplit(prepared, 'test'), /labels of token-classification/);
    const config = parse(readFileSync(project.path('decant.yaml'), 'utf8'));
    const settings = {
      ...config,
      corpus: { ...config.corpus, corrections: 'none.csv' },
      student: { architecture: 'bag' },
      variants: { one: {}, two: { labels: 'hard-relabel' } },
      'hard-relabel': { student: 'one' },
    };
    writeFileSync(project.path('other.yaml'), stringify(settings));
    const refused = await project.decant('run', '--config', 'other.yaml', '--dry-run');
    for (const path of ['student.architecture', 'variants.two.labels', 'corpus.corrections']) {
      assertRefused(refused, 2, new RegExp(path.replaceAll('.', '\\.')));
    }
  });
});

function folderOf(project: WordProject, instance: string, output: string): string {
  const [fingerprint = ''] = readdirSync(project.path('.decant', 'artifacts', instance));
  return project.path('.decant', 'artifacts', instance, fingerprint, output);
}
