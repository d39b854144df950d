import { resolve } from 'node:path';
import { createInterface } from 'node:readline';
import { withoutControls } from '#pipeline/text-table.ts';
import { type OpenStudent, openStudent } from '#stages/students/open-student.ts';
import type { Prediction, WordPrediction } from '#stages/students/student-answers.ts';

export interface PredictCommandOptions {
  readonly student: string;
  /** Classes to show for each line. */
  readonly top: number;
  readonly json?: boolean;
}

/**
 * `decant predict`: lines of stdin -> label, probability and text on stdout, in order. Of a student that names
 * words, each line is a sentence of words between spaces, and what comes out are CoNLL columns.
 */
export async function predictCommand(options: PredictCommandOptions): Promise<number> {
  const student = await openStudent(resolve(options.student));
  try {
    for await (const texts of batchesOf(createInterface({ input: process.stdin }))) {
      await print(student, texts, options);
    }
  } finally {
    await student.close();
  }
  return 0;
}

async function print(
  student: OpenStudent,
  texts: readonly string[],
  options: PredictCommandOptions,
) {
  const lines =
    student.task === 'token-classification'
      ? await taggedLines(student, texts, options)
      : await classifiedLines(student, texts, options);
  if (!process.stdout.write(lines.join('')))
    await new Promise((done) => process.stdout.once('drain', done));
}

async function classifiedLines(
  student: OpenStudent,
  texts: readonly string[],
  options: PredictCommandOptions,
): Promise<string[]> {
  const predictions = await student.classify(texts, { top: options.top });
  const toLine = options.json === true ? jsonLine : tabbedLine;
  return predictions.map((prediction, index) => `${toLine(prediction, texts[index] ?? '')}\n`);
}

/** One word a line, a blank line behind each sentence; or one sentence a line as JSON. */
async function taggedLines(
  student: OpenStudent,
  texts: readonly string[],
  { json }: PredictCommandOptions,
): Promise<string[]> {
  const tagged = await student.tag(texts.map((text) => text.trim().split(/\s+/)));
  if (json === true) {
    return tagged.map((words, index) => `${JSON.stringify({ text: texts[index], words })}\n`);
  }
  return tagged.map((words) => `${words.map(columns).join('')}\n`);
}

/** `_`: the word has no token that the student sees. */
function columns({ word, label, confidence }: WordPrediction): string {
  return `${withoutControls(word)}\t${label ?? '_'}\t${confidence?.toFixed(3) ?? '_'}\n`;
}

function tabbedLine({ top }: Prediction, text: string): string {
  const labels = top.map(({ label, probability }) => `${label}\t${probability.toFixed(3)}`);
  return `${labels.join('\t')}\t${withoutControls(text)}`;
}

function jsonLine({ label, confidence, top }: Prediction, text: string): string {
  return JSON.stringify({ text, label, confidence, ...(top.length > 1 ? { top } : {}) });
}

/** Lines in groups; an empty line is skipped, as it has no label. */
async function* batchesOf(lines: AsyncIterable<string>): AsyncGenerator<string[]> {
  let batch: string[] = [];
  for await (const line of lines) {
    if (line.trim() === '') continue;
    batch.push(line);
    if (batch.length < BATCH_LINES) continue;
    yield batch;
    batch = [];
  }
  if (batch.length > 0) yield batch;
}

const BATCH_LINES = 512;
