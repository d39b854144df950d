import { isLanguageModel } from '#datasets/task.ts';
import type { StageContext, StageEvent } from '#stages/stage.ts';
import { amendRows } from './amend-rows.ts';
import { checkTags } from './check-tags.ts';
import type { ClassList } from './class-list.ts';
import { type PrepareConfig } from './config.ts';
import { cutCorpus } from './cut-corpus.ts';
import { requireKnownLabels, unusedClasses, usesNumbers } from './known-labels.ts';
import { prepareLanguage } from './language-model.ts';
import { makeViews } from './make-views.ts';
import { requireFewRejects } from './prepare-errors.ts';
import { type CorpusContent, corpusFilesOf, readCorpus } from './read-corpus.ts';
import { rejectLongRows } from './reject-long-rows.ts';
import { classesOfLabels, givenClasses } from './run-classes.ts';
import { tokeniseSplits } from './tokenise-splits.ts';
import { requireTargetCounts, rowsByClass } from './value-labels.ts';
import { writeCorpus, writeViewSet } from './write-corpus.ts';

/** Reads the corpus and makes of it what every other stage reads: examples, labels, classes, tokens. */
export async function* runPrepare(
  context: StageContext<PrepareConfig>,
): AsyncGenerator<StageEvent, void, void> {
  const { config, files, signal } = context;
  if (isLanguageModel(config.task)) {
    yield* prepareLanguage(context, config.task);
    return;
  }
  const corpusFiles = corpusFilesOf(files, config);
  const given = yield* givenClasses(context);
  const read = yield* readCorpus(corpusFiles, config, signal);
  const classes = given ?? (yield* classesOfLabels(read.rows, context));
  const content = yield* amendRows(read, files, classes, config);
  yield* checkContent(content, classes, config);
  const fitting = yield* rejectLongRows(content, context);
  const cut = yield* cutCorpus(fitting.content, corpusFiles, classes, config);
  const corpus = { ...cut, rejects: [...cut.rejects, ...fitting.tooLong] };
  await writeCorpus(context, corpus, classes.classNames);
  const views = yield* makeViews(context, corpus);
  await writeViewSet(context, views);
  yield* tokeniseSplits(context, corpus, views.examples);
}

function* checkContent(
  content: CorpusContent,
  classes: ClassList,
  config: PrepareConfig,
): Generator<StageEvent, void, void> {
  const { rows } = content;
  requireFewRejects(content, config.maxRejects);
  requireTargetCounts(rows, classes, config.task);
  const byClass = rowsByClass(rows, config.task);
  requireKnownLabels(byClass, classes);
  yield* checkTags(rows, classes);
  if (usesNumbers(byClass, classes)) {
    const message =
      'labels are matched to the outputs of the teacher by number; give corpus.classNames to see names';
    yield { type: 'note', message };
  }
  const unused = unusedClasses(byClass, classes);
  if (unused.length > 0 && config.task !== 'regression') {
    const count = `${unused.length} of ${classes.classNames.length} classes of the teacher`;
    yield { type: 'note', message: `no row of the corpus has ${count}: ${firstNames(unused)}` };
  }
}

function firstNames(names: readonly string[]): string {
  return names.length <= 5 ? names.join(', ') : `${names.slice(0, 5).join(', ')}, ...`;
}
