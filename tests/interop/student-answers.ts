import assert from 'node:assert/strict';
import { join } from 'node:path';
import { readExamples } from '#datasets/examples.ts';
import { readProbe } from '#datasets/probe.ts';
import { openStudent } from '#stages/students/open-student.ts';
import { type FinishedProject, STUDENT_LENGTH } from '#tests/support/exported-students.ts';
import { repository } from '#tests/support/paths.ts';
import { runProgram } from '#tests/support/python.ts';

/** What `decant predict --json` says of SENTENCES. */
export async function predict(student: string, sentences: readonly string[]): Promise<string> {
  const decant = join(repository, 'pipeline', 'decant.mjs');
  const args = [decant, 'predict', '--json', '--student', student];
  const { code, stdout, stderr } = await runProgram(process.execPath, args, {
    input: sentences.join('\n'),
  });
  assert.equal(code, 0, stderr);
  return stdout;
}

/** The same of the int8 file, one by one, as Python asks: the scales of 8 bits are those of a batch. */
export async function int8Predictions(folder: string): Promise<string> {
  const student = await openStudent(folder, { threads: 1, precision: 'int8' });
  try {
    const answers = await Promise.all(SENTENCES.map((text) => student.classify([text])));
    const rows = answers.flat().map((answer, row) => ({ text: SENTENCES[row], ...answer }));
    return rows.map((row) => `${JSON.stringify(row)}\n`).join('');
  } finally {
    await student.close();
  }
}

/** Largest distance between logits of transformers.js and those of the trainer. */
export async function transformersJsDifference(
  run: FinishedProject,
  variant: string,
): Promise<{ readonly texts: number; readonly worst: number }> {
  const rows = await probedTexts(run, variant);
  const texts = rows.map(({ text }) => text);
  const found = await transformersJsLogits(
    run.artifact(`export-student:${variant}`, 'student'),
    texts,
  );
  assert.equal(found.length, rows.length);
  const differences = rows.flatMap(({ logits }, row) => {
    const own = found[row] ?? [];
    assert.equal(own.length, logits.length);
    return own.map((logit, at) => Math.abs(logit - (logits[at] ?? Number.NaN)));
  });
  return { texts: texts.length, worst: Math.max(...differences) };
}

/** Texts of the probe with the trainer's logits. transformers.js cuts [SEP] off, too: long ones are left out. */
async function probedTexts(run: FinishedProject, variant: string) {
  const probe = await readProbe(run.artifact(`train-student:${variant}`, 'student'));
  const texts = new Map<string, string | null>();
  for (const split of ['validation', 'test']) {
    const examples = await readExamples(run.artifact('prepare', 'inputs', split));
    for (const { exampleId, text } of examples) texts.set(exampleId, text);
  }
  return probe.flatMap(({ exampleId, tokenIds, logits }) => {
    const text = texts.get(exampleId);
    return typeof text !== 'string' || tokenIds.length === STUDENT_LENGTH ? [] : [{ text, logits }];
  });
}

async function transformersJsLogits(student: string, texts: string[]): Promise<number[][]> {
  const installed = process.env['TRANSFORMERS_JS_FOLDER'];
  assert.ok(installed, 'this test needs transformers.js: npm run test:interop');
  const script = join(repository, 'tests', 'interop', 'logits.mjs');
  const args = [script, installed, student, 'AutoModelForSequenceClassification'];
  const input = texts.map((text) => JSON.stringify(text)).join('\n');
  const { code, stdout, stderr } = await runProgram(process.execPath, args, { input });
  assert.equal(code, 0, stderr);
  return stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as number[]);
}

export const SENTENCES = [
  'My new card has still not arrived',
  'top up failed, why?',
  'Was kostet ein Umtausch in €? 💶',
  'I have been waiting for my card for more than two weeks now and nobody answers, where is it and can I track it please?',
  'zzzz',
];
