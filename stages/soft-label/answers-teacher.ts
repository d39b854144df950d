import type { StageEvent } from '#stages/stage.ts';
import type { AnswerBook } from './answer-book.ts';
import { AnswersWithoutGraphError } from './answer-errors.ts';
import { FREE_SHAPE } from './batches.ts';
import { type LabelColumns, labelledRows } from './label-columns.ts';
import type { Provenance } from './provenance.ts';
import { servedLabels } from './served-labels.ts';
import type { Keep } from './settings.ts';
import type { Teacher } from './teacher.ts';
import type { TeacherRow } from './teacher-rows.ts';
import { valueColumns } from './value-columns.ts';

/** Where numbers of files come from. */
export const FROM_ANSWERS: Provenance = { provider: 'none', runtime: 'answers' };

/** A teacher whose answers stand in files: what it says is looked up and kept as that of any other. */
export function answersTeacher(book: AnswerBook, keep: Keep): Teacher {
  if (keep.hidden !== undefined) throw new AnswersWithoutGraphError(keep.hidden);
  return {
    provider: FROM_ANSWERS.provider,
    runtimeVersion: '',
    withoutCuda: undefined,
    shape: FREE_SHAPE,
    rowsDependOnBatch: false,
    label: async (rows) => ({
      columns: columnsOf(rows, book, keep),
      looksLikeProbabilities: false,
    }),
    close: async () => undefined,
  };
}

/** What was read, for people. */
export function* tellAnswers(
  { kinds, partial, unused }: AnswerBook,
  left: number,
  { temperatures }: Keep,
): Generator<StageEvent, void, void> {
  const of = [...kinds].map(([kind, count]) => `${count.toLocaleString('en-US')} ${NAMES[kind]}`);
  const others = unused === 0 ? '' : `; ${unused.toLocaleString('en-US')} are about other texts`;
  yield { type: 'note', message: `answers: ${of.join(', ')}${others}` };
  if (partial > 0 && temperatures.some((t) => t !== 1)) {
    const message = `${partial.toLocaleString('en-US')} answers name their best classes only: the rest is exact at T = 1 and spread evenly over the other classes, which is an assumption at T = ${temperatures.filter((t) => t !== 1).join(', ')}`;
    yield { type: 'note', message };
  }
  yield { type: 'count', name: 'unanswered', value: left };
  if (left === 0) return;
  const message = `${left.toLocaleString('en-US')} rows have no answer and are left out (teacher.missing: skip)`;
  yield { type: 'warning', message };
}

const NAMES = {
  label: 'labels',
  votes: 'by votes',
  probabilities: 'probabilities',
  'log-probs': 'best log-probabilities',
  'label-sets': 'lists of labels',
  'label-probabilities': 'probabilities of labels',
  numbers: 'of numbers',
} as const;

/** Every logit, in the form that is kept; draws are made of all of them by whoever asked. */
function columnsOf(rows: readonly TeacherRow[], book: AnswerBook, keep: Keep): LabelColumns {
  const { classCount, task } = keep;
  const logits = new Float32Array(rows.length * classCount);
  for (const [row, { exampleId }] of rows.entries()) {
    logits.set(book.logitsOf(exampleId), row * classCount);
  }
  if (task !== undefined) return valueColumns(logits, task, classCount);
  const entropyNats = Float32Array.from(rows, (_, row) => {
    const own = logits.subarray(row * classCount, (row + 1) * classCount);
    // Plain sum: the logits are log-probabilities, all finite.
    return -own.reduce((sum, log) => sum + Math.exp(log) * log, 0);
  });
  const everything = { logits, entropyNats, ...NOTHING_KEPT };
  if (keep.mode === 'sampled') return everything;
  return servedLabels(labelledRows(rows, everything), EVERY_LOGIT, keep);
}

const NOTHING_KEPT = {
  topIds: new Int32Array(),
  topLogits: new Float32Array(),
  logSumExp: [],
  tailLogMass: [],
};

const EVERY_LOGIT = {
  mode: 'dense',
  topK: null,
  temperatures: [],
  precision: 'float32',
} as const;
