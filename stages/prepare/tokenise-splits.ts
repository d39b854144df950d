import { join } from 'node:path';
import { type Example, SPLITS, type Split } from '#datasets/example.ts';
import { openTokenizer, type TextTokenizer } from '#datasets/tokenizer.ts';
import { type TokenTable, writeTokens } from '#datasets/tokens.ts';
import { outputOf } from '#stages/folders.ts';
import type { StageContext, StageEvent } from '#stages/stage.ts';
import type { PrepareConfig } from './config.ts';
import type { CutCorpus } from './cut-corpus.ts';
import { TeacherFileError } from './prepare-errors.ts';
import { type TeacherTokenizerFiles, writeStudentTokenizer } from './student-tokenizer.ts';
import { tokenise, truncatedRows } from './tokenise.ts';

type Context = StageContext<PrepareConfig>;
type Owner = 'teacher' | 'student';

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
  const teacher = await openTokenizer(files.tokenizer, config.teacherMaxLength);
  const tables = yield* tokeniseFor('teacher', teacher, examples, context);
  const usedIds =
    config.studentVocabulary === 'full'
      ? null
      : yield* usedTokenIds(files.tokenizer, tables.get('train'), examples.train, context);
  const folder = outputOf(context, 'tokenizer/student');
  const sizes = await writeStudentTokenizer(folder, files, {
    maxLength: config.studentMaxLength,
    usedIds,
  });
  yield { type: 'count', name: 'vocabularySize', value: sizes.student };
  if (usedIds !== null) {
    const message = `the student's vocabulary keeps ${sizes.student.toLocaleString('en-US')} of ${sizes.teacher.toLocaleString('en-US')} word pieces`;
    yield { type: 'note', message };
  }
  const student = await openTokenizer(join(folder, 'tokenizer.json'), config.studentMaxLength);
  yield* tokeniseFor('student', student, examples, context);
}

function tokenizerFiles(files: Context['files']): TeacherTokenizerFiles {
  const tokenizer = files['teacherTokenizer']?.[0];
  if (tokenizer === undefined) {
    const detail = 'a text cannot be turned into tokens without it';
    throw new TeacherFileError('tokenizer.json', undefined, detail);
  }
  return {
    tokenizer,
    config: files['teacherTokenizerConfig']?.[0],
    specialTokens: files['teacherSpecialTokens']?.[0],
  };
}

async function* tokeniseFor(
  owner: Owner,
  tokenizer: TextTokenizer,
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
  yield* truncationEvents(owner, [...tables.values()], total);
  if (owner === 'teacher') yield* gluedWords(tokenizer, [...tables.values()]);
  return tables;
}

/** The teacher's table shows all pieces that the student meets, unless the student reads further. */
async function* usedTokenIds(
  path: string,
  teacherTable: TokenTable | undefined,
  train: readonly Example[],
  { config, signal }: Context,
): AsyncGenerator<StageEvent, ReadonlySet<number>, void> {
  if (teacherTable !== undefined && config.studentMaxLength <= teacherTable.maxLength) {
    return new Set(teacherTable.tokenIds);
  }
  const tokenizer = await openTokenizer(path, config.studentMaxLength);
  const place = { before: 0, total: train.length, detail: 'vocabulary' };
  const table = yield* asProgress(tokenise(train, tokenizer, signal), place);
  return new Set(table.tokenIds);
}

/** Turns numbers of rows into progress events; returns what the generator returns. */
export async function* asProgress<Result>(
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

/** Right where the teacher was trained so, which nothing in its files tells. */
function* gluedWords(
  { gluesWords }: TextTokenizer,
  tables: readonly TokenTable[],
): Generator<StageEvent, void, void> {
  if (!gluesWords || tables.every(({ answers }) => answers === undefined)) return;
  const message =
    'tokenizer.json puts no space before a word (add_prefix_space: false): each word is tokenised as if a text began with it, which is right only if the teacher was trained so';
  yield { type: 'warning', message };
}

/** How many rows lost tokens: counted always, told where there are any. */
export function* truncationEvents(
  owner: Owner,
  tables: readonly TokenTable[],
  total: number,
): Generator<StageEvent, void, void> {
  const truncated = tables.reduce((sum, table) => sum + truncatedRows(table), 0);
  const name = owner === 'teacher' ? 'truncatedRows' : 'truncatedRowsStudent';
  yield { type: 'count', name, value: truncated };
  if (truncated === 0) return;
  const share = ((100 * truncated) / total).toFixed(1);
  const length = tables[0]?.maxLength ?? 0;
  const message = `${truncated.toLocaleString('en-US')} of ${total.toLocaleString('en-US')} rows (${share} %) are longer than ${length} tokens and lose the rest (${owner}.maxLength)`;
  yield { type: 'warning', message };
}
