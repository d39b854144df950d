import { resolve } from 'node:path';
import { Failure } from '#cache/failure.ts';
import { inOrder } from '#datasets/in-order.ts';
import type { InputFormat } from '#pipeline/display/format-names.ts';
import { writeChunks } from '#pipeline/display/output.ts';
import { withoutControls } from '#pipeline/display/text-table.ts';
import { type AskedText, textsOfStdin } from '#pipeline/predict-input.ts';
import { type WordScore, wordScores } from '#stages/students/occlusion.ts';
import {
  type OpenStudent,
  openStudent,
  type StudentOptions,
} from '#stages/students/open-student.ts';
import {
  type Prediction,
  saidLabels,
  type WordPrediction,
} from '#stages/students/student-answers.ts';
import { readStudentFolder } from '#stages/students/student-folder.ts';
import type { StudentText } from '#stages/students/student-text.ts';
import { openStudentThreads } from '#stages/students/student-threads.ts';

export interface PredictCommandOptions extends StudentOptions {
  readonly student: string;
  /** Classes to show for each text. */
  readonly top: number;
  readonly format: InputFormat;
  /** Column (CSV) or key (JSONL) of the text. */
  readonly column: string;
  /** The same of the second text, of a student of pairs. Default: text_pair. */
  readonly pairColumn?: string;
  readonly json?: boolean;
  readonly explain?: boolean;
}

/** Words of a sentence have labels of their own already. */
class NothingToExplainError extends Failure {
  constructor(folder: string) {
    super(
      'usage',
      'E_EXPLAIN',
      `${folder}: --explain is for labels of whole texts, and this student names words`,
      'leave out --explain',
    );
  }
}

/** A second text for a student that reads one. */
class NoPairsError extends Failure {
  constructor(folder: string) {
    super(
      'usage',
      'E_STUDENT_TEXT',
      `${folder}: --pair-column names a second text, and this student learned from single ones`,
      'leave out --pair-column',
    );
  }
}

/**
 * `decant predict`: texts of stdin -> label, probability and text on stdout, in order. Of a student that names
 * words, each text is a sentence of words between spaces, and what comes out are CoNLL columns.
 */
export async function predictCommand(options: PredictCommandOptions): Promise<number> {
  await writeChunks(answersTo(options), undefined);
  return 0;
}

async function* answersTo(options: PredictCommandOptions): AsyncGenerator<string, void, void> {
  // Before anything is read: a folder that is no student is an error also without input.
  const folder = resolve(options.student);
  const { readsPairs } = await readStudentFolder(folder, options);
  if (!readsPairs && options.pairColumn !== undefined) throw new NoPairsError(options.student);
  const { format, column, pairColumn = 'text_pair' } = options;
  const columns = { column, pairColumn: readsPairs ? pairColumn : undefined };
  const groups = textsOfStdin(format, { ...columns, size: GROUP_TEXTS });
  const first = await groups.next();
  const isSmall = first.done === true || first.value.length < GROUP_TEXTS;
  const open = isSmall ? openStudent : openStudentThreads;
  const student = await open(folder, options);
  try {
    if (options.explain === true && student.task === 'token-classification') {
      throw new NothingToExplainError(options.student);
    }
    if (first.done === true) return;
    const all = before(first.value, groups);
    for await (const { result } of inOrder(
      all,
      () => GROUPS_AHEAD,
      (group) => linesOf(student, group, options),
    )) {
      yield result;
    }
  } finally {
    await student.close();
  }
}

async function* before<T>(first: T, rest: AsyncIterable<T>): AsyncGenerator<T, void, void> {
  yield first;
  yield* rest;
}

async function linesOf(
  student: OpenStudent,
  group: readonly AskedText[],
  options: PredictCommandOptions,
): Promise<string> {
  if (student.task === 'token-classification') return taggedLines(student, group, options);
  const texts = group.map(
    ({ text, textPair }): StudentText => (textPair === undefined ? text : { text, textPair }),
  );
  const predictions = await student.classify(texts, { top: options.top });
  const scores = options.explain === true ? await wordScores(student, texts, predictions) : [];
  const toLine = options.json === true ? jsonLine : tabbedLine;
  const lines = group.map((asked, index) => {
    const prediction = predictions[index];
    if (prediction === undefined) throw new Error(`no answer to text ${index} of a group`);
    return `${toLine(asked, { ...prediction, ...saidIn(prediction, student) }, scores[index])}\n`;
  });
  return lines.join('');
}

/** Of a student of several labels with thresholds: which of those that are listed it says. */
function saidIn(prediction: Prediction, { task, operatingPoint }: OpenStudent): Said {
  if (task !== 'multi-label' || operatingPoint === undefined) return {};
  return { labels: saidLabels(prediction, operatingPoint).map(({ label }) => label) };
}

interface Said {
  readonly labels?: readonly string[];
}

/** One word a line, a blank line behind each sentence; or one sentence a line as JSON. */
async function taggedLines(
  student: OpenStudent,
  group: readonly AskedText[],
  { json }: PredictCommandOptions,
): Promise<string> {
  const tagged = await student.tag(group.map(({ text }) => text.trim().split(/\s+/)));
  const lines = tagged.map((words, index) =>
    json === true
      ? `${JSON.stringify({ ...group[index], words })}\n`
      : `${words.map(columns).join('')}\n`,
  );
  return lines.join('');
}

/** `_`: the word has no token that the student sees. */
function columns({ word, label, confidence }: WordPrediction): string {
  return `${withoutControls(word)}\t${label ?? '_'}\t${confidence?.toFixed(3) ?? '_'}\n`;
}

/** `-` for the label: the student abstains; of several labels also where it is listed and not said. */
function tabbedLine(
  { text, textPair }: AskedText,
  { top, abstained, labels }: Prediction & Said,
  scores: readonly WordScore[] | undefined,
): string {
  const isSaid = (label: string, rank: number) =>
    labels === undefined ? !abstained || rank > 0 : !abstained && labels.includes(label);
  const shown = top.map(
    ({ label, probability }, rank) =>
      `${isSaid(label, rank) ? label : '-'}\t${probability.toFixed(3)}`,
  );
  const because = scores === undefined ? '' : `\t${scores.map(shownScore).join(' ')}`;
  const texts = textPair === undefined ? [text] : [text, textPair];
  return `${[...shown, ...texts.map(withoutControls)].join('\t')}${because}`;
}

function shownScore({ word, score }: WordScore): string {
  const value = score.toFixed(2);
  return `${withoutControls(word)}(${score < 0 ? '' : '+'}${value})`;
}

function jsonLine(
  { text, textPair, id }: AskedText,
  { label, confidence, abstained, top, labels }: Prediction & Said,
  scores: readonly WordScore[] | undefined,
): string {
  return JSON.stringify({
    id,
    text,
    ...(textPair !== undefined && { text_pair: textPair }),
    label,
    confidence,
    ...(labels && { labels }),
    ...(abstained && { abstained }),
    ...(top.length > 1 && { top }),
    ...(scores !== undefined && { words: scores }),
  });
}

/** Below this one thread answers sooner than several start; among so many most texts find others of their length. */
const GROUP_TEXTS = 1024;
/** So that no thread waits while lines are read and written. */
const GROUPS_AHEAD = 6;
