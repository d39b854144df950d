import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { MiniProject } from './mini-project.ts';
import { sharedFolder } from './paths.ts';
import { smallProject } from './small-project.ts';

/** Where the sentences of SUBJ lie, or why a test has to do without. */
export const SUBJ = {
  folder: join(sharedFolder() ?? '', 'data', 'subj'),
  skip: sharedFolder() === undefined && 'there is no ../shared with data/subj',
};

/** The second task of the project: a corpus of its own, and answers in a file for a teacher. */
export const genre = {
  corpus: {
    train: 'genre-train.jsonl',
    validation: 'genre-validation.jsonl',
    test: 'genre-test.jsonl',
  },
  teacher: { answers: 'genre-answers.jsonl' },
};

/** A third task: the scores of each class as numbers, by the logits of the teacher that the first task has. */
export const scores = {
  task: 'regression',
  corpus: {
    train: 'scores-train.jsonl',
    validation: 'scores-validation.jsonl',
    test: 'scores-test.jsonl',
  },
  teacher: { model: 'teacher' },
};

/** Settings of a student with two heads, trained for a moment. */
export const headsConfig = {
  heads: { genre },
  student: {
    architecture: 'bag',
    vocabulary: 'full',
    hiddenSize: 16,
    steps: 60,
    evaluateEvery: 20,
    checkpointEvery: 15,
  },
  variants: { both: {} },
};

/** The small project with a second task: is a sentence of a film plot, or of a review? */
export function headsProject(settings: Readonly<Record<string, unknown>> = {}): MiniProject {
  const project = smallProject({ ...headsConfig, ...settings });
  writeGenre(project);
  writeScores(project);
  return project;
}

/** Rows of `genre` in each split; a fifth of the answers is unsure. */
export const GENRE_ROWS = { train: 80, validation: 30, test: 30 };

function writeGenre(project: MiniProject): void {
  const sentences = ['objective', 'subjective'].flatMap((label) =>
    readFileSync(join(SUBJ.folder, `subj.${label}`), 'latin1')
      .split('\n')
      .slice(0, 70)
      .map((line, row) => ({ id: `${label}-${row}`, text: line.trim(), label })),
  );
  // By turns, so that each split has both.
  const rows = sentences.map((_, at) => sentences[(at % 2) * 70 + Math.floor(at / 2)]);
  let from = 0;
  for (const [split, count] of Object.entries(GENRE_ROWS)) {
    write(`genre-${split}.jsonl`, rows.slice(from, from + count));
    from += count;
  }
  write(
    'genre-answers.jsonl',
    rows.map((row, at) => {
      const sure = at % 5 === 0 ? 0.6 : 0.95;
      const other = row?.label === 'objective' ? 'subjective' : 'objective';
      return { text: row?.text, probabilities: { [row?.label ?? '']: sure, [other]: 1 - sure } };
    }),
  );

  function write(file: string, lines: readonly unknown[]): void {
    writeFileSync(project.path(file), lines.map((line) => `${JSON.stringify(line)}\n`).join(''));
  }
}

/** Labels of the held rows of the first task as numbers, a third of the rows in each split. */
function writeScores(project: MiniProject): void {
  const lines = readFileSync(project.path('validation.jsonl'), 'utf8').trimEnd().split('\n');
  const rows = lines.map((line) => JSON.parse(line) as { text: string; label: string });
  const classNames = JSON.parse(readFileSync(project.path('labels.json'), 'utf8')) as string[];
  for (const [place, split] of ['train', 'validation', 'test'].entries()) {
    const part = rows.flatMap(({ text, label }, row) => {
      const numbers = classNames.map((name) => (name === label ? 5 : -1));
      return row % 3 === place ? [`${JSON.stringify({ text, label: numbers })}\n`] : [];
    });
    writeFileSync(project.path(`scores-${split}.jsonl`), part.join(''));
  }
}
