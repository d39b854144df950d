import { join } from 'node:path';
import { type Example, SPLITS, type Split } from '#datasets/example.ts';
import { cutOf, type TextCut } from '#datasets/tokens/long-texts.ts';
import { openTokenizer, type TextTokenizer } from '#datasets/tokens/tokenizer.ts';
import { type TokenTable, writeTokens } from '#datasets/tokens/tokens.ts';
import { outputOf } from '#stages/folders.ts';
import type { StageContext, StageEvent } from '#stages/stage.ts';
import { tokenise, truncatedRows } from '#stages/texts/tokenise.ts';
import type { PrepareConfig } from './config.ts';
import type { CutCorpus } from './cut-corpus.ts';
import { noTokens, shapesOfCorpus, tensorColumnsOf } from './features.ts';
import { longTextEvents, type Owner } from './long-text-events.ts';
import { tokenizerFiles, writeStudentTokenizer } from './student-tokenizer.ts';

type Context = StageContext<PrepareConfig>;
/** The splits, and the views of train rows where they are asked for. */
type TokenSet = Split | 'views';

/** Tokenises every split for the teacher, makes the student's tokenizer and tokenises again with it. */
export async function* tokeniseSplits(
  context: Context,
  corpus: CutCorpus,
  views: readonly Example[],
): AsyncGenerator<StageEvent, void, void> {
  const { config } = context;
  const { splits } = corpus;
  if (config.columns.text === null) return writeNoTokens(context, corpus);
  const files = tokenizerFiles(context.files);
  const examples: ReadonlyMap<TokenSet, readonly Example[]> = new Map<TokenSet, readonly Example[]>(
    [
      ...SPLITS.map((split) => [split, splits[split].examples] as const),
      ...(config.augmentations === undefined ? [] : [['views', views] as const]),
    ],
  );
  const cut = cutOf(config.teacherLongTexts, config.windowOverlap);
  const teacher = await openTokenizer(files.tokenizer, config.teacherMaxLength, cut);
  const tables = yield* tokeniseFor('teacher', { tokenizer: teacher, cut }, examples, context);
  const usedIds =
    config.studentVocabulary === 'full'
      ? null
      : yield* usedTokenIds(files.tokenizer, tables, examples, context);
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

/** Rows without texts need no tokenizer; everything that joins by tokens still finds them. */
async function writeNoTokens(context: Context, corpus: CutCorpus): Promise<void> {
  const shapes = shapesOfCorpus(tensorColumnsOf(context.config.columns.tensors) ?? {}, corpus);
  for (const split of SPLITS) {
    const table = noTokens(corpus.splits[split].examples, shapes);
    for (const owner of ['teacher', 'student']) {
      await writeTokens(outputOf(context, `tokens/${owner}/${split}`), table);
    }
  }
}

async function* tokeniseFor(
  owner: Owner,
  { tokenizer, cut }: { readonly tokenizer: TextTokenizer; readonly cut: TextCut },
  examples: ReadonlyMap<TokenSet, readonly Example[]>,
  context: Context,
): AsyncGenerator<StageEvent, ReadonlyMap<TokenSet, TokenTable>, void> {
  const total = [...examples.values()].reduce((sum, { length }) => sum + length, 0);
  const tables = new Map<TokenSet, TokenTable>();
  let before = 0;
  for (const [set, ofSet] of examples) {
    const rows = tokenise(ofSet, tokenizer, context.signal);
    const detail = `${owner} tokens, ${set}`;
    const table = yield* asProgress(rows, { before, total, detail });
    await writeTokens(outputOf(context, `tokens/${owner}/${set}`), table);
    tables.set(set, table);
    before += ofSet.length;
  }
  yield* longTextEvents(owner, [...tables.values()], cut);
  if (owner === 'teacher') yield* gluedWords(tokenizer, [...tables.values()]);
  return tables;
}

/** The teacher's tables show all pieces that the student meets, unless the student reads what it lost. */
async function* usedTokenIds(
  path: string,
  tables: ReadonlyMap<TokenSet, TokenTable>,
  examples: ReadonlyMap<TokenSet, readonly Example[]>,
  { config, signal }: Context,
): AsyncGenerator<StageEvent, ReadonlySet<number>, void> {
  const cut = cutOf(config.studentLongTexts);
  const isWithin =
    cut.type === cutOf(config.teacherLongTexts).type &&
    config.studentMaxLength <= config.teacherMaxLength;
  const own = LEARNED_FROM.flatMap((set) => tables.get(set) ?? []);
  if (isWithin || own.every((table) => truncatedRows(table) === 0)) {
    return new Set(own.flatMap(({ tokenIds }) => Array.from(new Set(tokenIds))));
  }
  const learned = LEARNED_FROM.flatMap((set) => examples.get(set) ?? []);
  const tokenizer = await openTokenizer(path, config.studentMaxLength, cut);
  const place = { before: 0, total: learned.length, detail: 'vocabulary' };
  const table = yield* asProgress(tokenise(learned, tokenizer, signal), place);
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

/** What the student's vocabulary is made of. */
const LEARNED_FROM: readonly TokenSet[] = ['train', 'views'];
