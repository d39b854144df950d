import { join } from 'node:path';
import { type Example, SPLITS, type Split } from '#datasets/example.ts';
import { cutOf, type TextCut } from '#datasets/long-texts.ts';
import { openTokenizer, type TextTokenizer } from '#datasets/tokenizer.ts';
import { type TokenTable, writeTokens } from '#datasets/tokens.ts';
import { outputOf } from '#stages/folders.ts';
import type { StageContext, StageEvent } from '#stages/stage.ts';
import type { PrepareConfig } from './config.ts';
import type { CutCorpus } from './cut-corpus.ts';
import { longTextEvents, type Owner } from './long-text-events.ts';
import { tokenizerFiles, writeStudentTokenizer } from './student-tokenizer.ts';
import { tokenise, truncatedRows } from './tokenise.ts';

type Context = StageContext<PrepareConfig>;

/** Tokenises every split for the teacher, makes the student's tokenizer and tokenises again with it. */
export async function* tokeniseSplits(
  context: Context,
  { splits }: CutCorpus,
): AsyncGenerator<StageEvent, void, void> {
  const { config } = context;
  const files = tokenizerFiles(context.files);
  const examples = {
    train: splits.train.examples,
    validation: splits.validation.examples,
    test: splits.test.examples,
  };
  const cut = cutOf(config.teacherLongTexts, config.windowOverlap);
  const teacher = await openTokenizer(files.tokenizer, config.teacherMaxLength, cut);
  const tables = yield* tokeniseFor('teacher', { tokenizer: teacher, cut }, examples, context);
  const usedIds =
    config.studentVocabulary === 'full'
      ? null
      : yield* usedTokenIds(files.tokenizer, tables.get('train'), examples.train, context);
  const folder = outputOf(context, 'tokenizer/student');
  const sizes = await writeStudentTokenizer(folder, files, {
    maxLength: config.studentMaxLength,
    longTexts: config.studentLongTexts,
    usedIds,
  });
  yield { type: 'count', name: 'vocabularySize', value: sizes.student };
  if (usedIds !== null) {
    const message = `the student's vocabulary keeps ${sizes.student.toLocaleString('en-US')} of ${sizes.teacher.toLocaleString('en-US')} word pieces`;
    yield { type: 'note', message };
  }
  const studentCut = cutOf(config.studentLongTexts);
  const student = await openTokenizer(
    join(folder, 'tokenizer.json'),
    config.studentMaxLength,
    studentCut,
  );
  yield* tokeniseFor('student', { tokenizer: student, cut: studentCut }, examples, context);
}

async function* tokeniseFor(
  owner: Owner,
  { tokenizer, cut }: { readonly tokenizer: TextTokenizer; readonly cut: TextCut },
  examples: Readonly<Record<Split, readonly Example[]>>,
  context: Context,
): AsyncGenerator<StageEvent, ReadonlyMap<Split, TokenTable>, void> {
  const total = SPLITS.reduce((sum, split) => sum + examples[split].length, 0);
  const tables = new Map<Split, TokenTable>();
  let before = 0;
  for (const split of SPLITS) {
    const rows = tokenise(examples[split], tokenizer, context.signal);
    const detail = `${owner} tokens, ${split}`;
    const table = yield* asProgress(rows, { before, total, detail });
    await writeTokens(outputOf(context, `tokens/${owner}/${split}`), table);
    tables.set(split, table);
    before += examples[split].length;
  }
  yield* longTextEvents(owner, [...tables.values()], cut);
  return tables;
}

/** The teacher's table shows all pieces that the student meets, unless the student reads what it lost. */
async function* usedTokenIds(
  path: string,
  teacherTable: TokenTable | undefined,
  train: readonly Example[],
  { config, signal }: Context,
): AsyncGenerator<StageEvent, ReadonlySet<number>, void> {
  const cut = cutOf(config.studentLongTexts);
  const isWithin =
    cut.type === cutOf(config.teacherLongTexts).type &&
    config.studentMaxLength <= config.teacherMaxLength;
  if (teacherTable !== undefined && (isWithin || truncatedRows(teacherTable) === 0)) {
    return new Set(teacherTable.tokenIds);
  }
  const tokenizer = await openTokenizer(path, config.studentMaxLength, cut);
  const place = { before: 0, total: train.length, detail: 'vocabulary' };
  const table = yield* asProgress(tokenise(train, tokenizer, signal), place);
  return new Set(table.tokenIds);
}

/** Turns numbers of rows into progress events; returns what the generator returns. */
async function* asProgress<Result>(
  rows: AsyncGenerator<number, Result, void>,
  place: { readonly before: number; readonly total: number; readonly detail: string },
): AsyncGenerator<StageEvent, Result, void> {
  const { before, total, detail } = place;
  for (;;) {
    const next = await rows.next();
    if (next.done === true) return next.value;
    yield { type: 'progress', done: before + next.value, total, unit: 'rows', detail };
  }
}
