import { openCorpus } from '#datasets/corpus/open-corpus.ts';
import type { LanguageModelTask } from '#datasets/task.ts';
import { openTokenizer } from '#datasets/tokens/tokenizer.ts';
import { filesOf } from '#stages/folders.ts';
import type { StageContext, StageEvent } from '#stages/stage.ts';
import { amendRows } from './amend-rows.ts';
import type { PrepareConfig } from './config.ts';
import { cutCorpus } from './cut-corpus.ts';
import { requireFewRejects } from './prepare-errors.ts';
import { corpusFilesOf, readCorpus } from './read-corpus.ts';
import { textBlocks } from './text-blocks.ts';
import { tokeniseLanguage } from './tokenise-language.ts';
import { vocabularyClasses } from './vocabulary-classes.ts';
import { writeCorpus } from './write-corpus.ts';

/** `prepare` of a language model: no labels, the tokens are the classes, and the text says which is right. */
export async function* prepareLanguage(
  context: StageContext<PrepareConfig>,
  task: LanguageModelTask,
): AsyncGenerator<StageEvent, void, void> {
  const { files, signal } = context;
  const config = { ...context.config, columns: columnsOf(context.config, task) };
  const [tokenizerPath = ''] = filesOf(context, 'teacherTokenizer');
  const [configPath = ''] = filesOf(context, 'teacherConfig');
  const corpusFiles = corpusFilesOf(files, config);
  const classes = yield* vocabularyClasses(tokenizerPath, configPath);
  const open = await openerOf(tokenizerPath, config);
  const read = yield* readCorpus(corpusFiles, config, signal, open);
  // A column of labels would be the target of another task.
  const rows = read.rows.map((row) => ({ ...row, label: null }));
  const content = yield* amendRows({ ...read, rows }, files, classes, config);
  requireFewRejects(content, config.maxRejects);
  const corpus = yield* cutCorpus(content, corpusFiles, classes, config);
  await writeCorpus(context, corpus, classes.classNames);
  yield* tokeniseLanguage(context, corpus, task);
}

/** A target is the second text of its row. */
function columnsOf({ columns }: PrepareConfig, task: LanguageModelTask): PrepareConfig['columns'] {
  if (task !== 'sequence-to-sequence') return columns;
  return { ...columns, textPair: columns.target ?? 'target' };
}

/** Reads a corpus file; running text comes in blocks where it shall. */
async function openerOf(
  tokenizerPath: string,
  { textUnit, teacherMaxLength }: PrepareConfig,
): Promise<typeof openCorpus> {
  if (textUnit !== 'block') return openCorpus;
  const tokenizer = await openTokenizer(tokenizerPath, teacherMaxLength);
  return (path, columns) => {
    const entries = openCorpus(path, columns);
    return /\.txt(\.gz)?$/i.test(path) ? textBlocks(entries, tokenizer) : entries;
  };
}
