import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { stringify } from 'yaml';
import { randomFor, shuffle } from '#stages/numerics/random.ts';
import { repository, sampleFolder, sharedFolder } from '#tests/support/paths.ts';

/** Rows to learn from, and who knows more of them. */
export interface QualityCorpus {
  readonly corpus: Readonly<Record<string, unknown>>;
  readonly teacher: Readonly<Record<string, unknown>>;
}

export function banking77(): QualityCorpus {
  const sample = sampleFolder('banking77');
  return {
    corpus: {
      train: [join(sample, 'labelled.csv'), join(sample, 'unlabelled.jsonl')],
      validation: join(sample, 'validation.jsonl'),
      test: join(sample, 'test.jsonl'),
    },
    teacher: { model: join(sample, 'teacher'), maxLength: 128 },
  };
}

/**
 * Sentence polarity (Pang & Lee 2005), 80/10/10 at random, 40 % of the train rows with their label. Its
 * teacher is made first: the encoder of the sample's teacher, all six layers, tuned on these labels.
 */
export function polarity(store: string): QualityCorpus {
  const folder = join(store, 'polarity');
  mkdirSync(folder, { recursive: true });
  const rows = shuffle(polarityRows(), randomFor(1, 'polarity'));
  const [tenth, train] = [Math.floor(rows.length / 10), Math.floor(rows.length * 0.8)];
  const labelled = Math.floor(train * 0.4);
  const write = (name: string, part: readonly object[]) => {
    const path = join(folder, name);
    writeFileSync(path, part.map((row) => `${JSON.stringify(row)}\n`).join(''));
    return path;
  };
  const withLabel = rows.slice(0, labelled);
  const validation = rows.slice(train, train + tenth);
  const corpus = {
    train: [
      write('labelled.jsonl', withLabel),
      write(
        'unlabelled.jsonl',
        rows.slice(labelled, train).map(({ text }) => ({ text })),
      ),
    ],
    validation: write('validation.jsonl', validation),
    test: write('test.jsonl', rows.slice(train + tenth)),
    classNames: ['negative', 'positive'],
  };
  const answers = write('answers.jsonl', [...withLabel, ...validation]);
  return { corpus, teacher: { model: tunedTeacher(folder, corpus, answers), maxLength: 128 } };
}

function polarityRows(): { text: string; label: string }[] {
  const shared = sharedFolder();
  if (shared === undefined)
    throw new Error('sentence polarity lies in ../shared, which is not here');
  const folder = join(shared, 'data', 'mr-nltk', 'sentence_polarity');
  return ['negative', 'positive'].flatMap((label) => {
    const text = readFileSync(join(folder, `rt-polarity.${label.slice(0, 3)}`), 'latin1');
    const lines = text.split('\n').filter((line) => line.trim() !== '');
    return lines.map((line) => ({ text: line.trim(), label }));
  });
}

/** Folder of a student with all layers of the sample's teacher and a head of its own. */
function tunedTeacher(folder: string, corpus: object, answers: string): string {
  const base = join(sampleFolder('banking77'), 'teacher');
  const config = {
    corpus,
    // Gold labels as answers: nobody else knows these rows yet, and nothing is learned from them as such.
    teacher: { answers, tokenizer: base, missing: 'skip', maxLength: 128 },
    student: {
      architecture: 'bert',
      layers: 6,
      hiddenSize: 384,
      heads: 12,
      intermediateSize: 1536,
      vocabulary: 'full',
      steps: 330,
      learningRate: 5e-5,
      evaluateEvery: 110,
      initialise: { from: base },
    },
    variants: { tuned: { softLossWeight: 0, hardLossWeight: 1 } },
  };
  const [file, store] = [join(folder, 'teacher.yaml'), join(folder, 'teacher')];
  writeFileSync(file, stringify(config));
  const command = ['run', '--config', file, '--store', store, '--to', 'train-student:tuned'];
  const { status, stderr } = spawnSync(process.execPath, ['pipeline/decant.mjs', ...command], {
    cwd: repository,
    encoding: 'utf8',
    maxBuffer: 1 << 28,
  });
  if (status !== 0) throw new Error(`the teacher of polarity: exit code ${status}\n${stderr}`);
  const made = join(store, 'artifacts', 'train-student@tuned');
  const found = readdirSync(made).map((name) => join(made, name, 'student'));
  return found.find((one) => existsSync(one)) ?? made;
}
