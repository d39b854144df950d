import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'node:test';
import { gunzipSync, gzipSync } from 'node:zlib';
import { parse } from 'yaml';
import type { AnyMetrics } from '#datasets/metrics/metrics.ts';
import { fashionFiles } from '#tests/support/image-rows.ts';
import { logMel } from '#tests/support/log-mel.ts';
import { goldenFolder, repository } from '#tests/support/paths.ts';
import { cook, trainTeacher } from '#tests/support/recipe.ts';
import { temporaryFolder } from '#tests/support/temporary-folder.ts';

const speech = join(goldenFolder, 'speech');
const languages = ['english', 'spanish', 'french', 'italian', 'russian'];
const book = readFileSync(join(repository, 'RECIPES.md'), 'utf8');

test('speech: what the teacher says of recordings is worth more than labels for a quarter of them', async () => {
  const [, yaml = ''] =
    /^```yaml\n(# decant\.yaml: which language is spoken.*?)^```$/ms.exec(book) ?? [];
  const { corpus, student, variants } = parse(yaml);
  const rows = { train: spoken('train'), validation: spoken('validation'), test: spoken('test') };
  const whole = { isText: false, splits: rows, corpus: { columns: corpus.columns } };
  const teacher = await trainTeacher({
    ...whole,
    corpus: { ...whole.corpus, classNames: languages },
    teacher: { ...student, hiddenSize: 96, learningRate: 0.004 },
  });
  // Of three in four sentences the language is known in none of the five recordings.
  const quarter = rows.train.map(({ language, ...row }, index) =>
    Math.floor(index / languages.length) % 4 === 0 ? { ...row, language } : row,
  );
  const { figures, another } = await cook({
    ...whole,
    splits: { ...rows, train: quarter },
    teacher,
    student: { ...student, ...variants.distilled },
  });
  const [best, distilled] = [accuracy(figures.teacher), accuracy(figures.student)];
  const goldOnly = accuracy(await another({ ...student, ...variants['gold-only'] }));
  assert.ok(best > 0.8, `teacher ${best}`);
  // One in five is chance, and all that a student reaches whose soft labels are those of other rows.
  assert.ok(distilled > 0.75, `distilled ${distilled}`);
  assert.ok(distilled > goldOnly + 0.03, `distilled ${distilled}, gold labels alone ${goldOnly}`);
});

test('speech: the code of the recipe makes the frames of a recording', () => {
  const frames = logMel(readFileSync(join(speech, 'italian-dir-pls-enter.wav')));
  const row = spoken('test').find(({ id }) => id === 'italian/dir-pls-enter');
  assert.deepEqual(frames, row?.frames);
  const code = readFileSync(join(repository, 'tests', 'support', 'log-mel.ts'), 'utf8');
  assert.ok(book.includes(`\`\`\`ts\n// log-mel.ts\n${code}\`\`\``));
});

test('IDX files: Fashion-MNIST as it is published, bytes scaled by 1/255, into a cnn', {
  skip: fashionFiles(0, 1) === undefined && 'Fashion-MNIST beside the checkout is not there',
}, async () => {
  const folder = temporaryFolder();
  const write = (split: string, from: number, to: number): string => {
    const parts = fashionFiles(from, to);
    const path = join(folder, `${split}-images-idx3-ubyte.gz`);
    if (parts === undefined) return path;
    writeFileSync(path, gzipSync(parts.images));
    writeFileSync(join(folder, `${split}-labels-idx1-ubyte.gz`), gzipSync(parts.labels));
    return path;
  };
  const { figures } = await cook({
    isText: false,
    splits: {
      train: write('train', 0, 1500),
      validation: write('validation', 1500, 1800),
      test: write('test', 1800, 2300),
    },
    corpus: {
      classNames: Array.from({ length: 10 }, (_, place) => String(place)),
      columns: {
        text: null,
        tensors: { image: { columns: 'pixels', shape: [28, 28, 1], scale: '1/255' } },
      },
    },
    teacher: { architecture: 'mlp', hiddenSize: 64, layers: 1, steps: 80, evaluateEvery: 80 },
    student: {
      architecture: 'cnn',
      layers: 3,
      hiddenSize: 32,
      learningRate: 0.01,
      steps: 120,
      evaluateEvery: 120,
    },
  });
  assert.ok(accuracy(figures.teacher) > 0.7, `teacher ${accuracy(figures.teacher)}`);
  assert.ok(accuracy(figures.student) > 0.68, `student ${accuracy(figures.student)}`);
});

/** A recording; a type and no interface, as any row has any key. */
type Spoken = Readonly<{ id: string; language: string; frames: number[][] }>;

/** Rows of a split: five languages of one sentence, then those of the next. */
function spoken(split: 'train' | 'validation' | 'test'): Spoken[] {
  const lines = gunzipSync(readFileSync(join(speech, `${split}.jsonl.gz`))).toString();
  return lines
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line));
}

function accuracy(metrics: AnyMetrics): number {
  return 'accuracy' in metrics ? metrics.accuracy : Number.NaN;
}
