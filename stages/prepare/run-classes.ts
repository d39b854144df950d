import { basename } from 'node:path';
import { namesIn, readAnswers } from '#datasets/answers/answers.ts';
import { valueFormOf } from '#datasets/corpus/value-labels.ts';
import type { StageContext, StageEvent } from '#stages/stage.ts';
import { type ClassList, readClassList } from './class-list.ts';
import type { PrepareConfig } from './config.ts';
import { ClassNamesError } from './prepare-errors.ts';
import type { SourceRow } from './read-corpus.ts';
import { outputsIn } from './value-labels.ts';

/**
 * The classes of a run as far as they are known before the corpus is read: the teacher's, those of
 * corpus.classNames, or those that files of answers name. undefined: the labels of the corpus tell.
 */
export async function* givenClasses({
  config,
  files,
}: Pick<StageContext<PrepareConfig>, 'config' | 'files'>): AsyncGenerator<
  StageEvent,
  ClassList | undefined,
  void
> {
  const { classNames, classesFrom, task } = config;
  const answers = files['answers'];
  if (classNames === undefined && classesFrom === 'labels') return undefined;
  // Outputs without names are counted in the labels.
  if (task === 'regression') return undefined;
  if (classNames !== undefined || answers === undefined) {
    return readClassList(files['teacherConfig']?.[0], classNames, config);
  }
  const names = await answeredNames(answers, config);
  yield told(names, 'that the answers name');
  return readClassList(undefined, names, { task });
}

/** The classes of a run whose teacher learns them from the labels of train; of regression its outputs. */
export async function* classesOfLabels(
  rows: readonly SourceRow[],
  { config, files }: Pick<StageContext<PrepareConfig>, 'config' | 'files'>,
): AsyncGenerator<StageEvent, ClassList, void> {
  if (config.task === 'regression') {
    const settings = { ...config, outputs: outputsIn(rows) };
    return readClassList(files['teacherConfig']?.[0], config.classNames, settings);
  }
  const labels = rows.flatMap(({ split, label }) =>
    split === 'train' && label !== null ? [label] : [],
  );
  const names = [...new Set(labels)].sort();
  if (names.length < 2) {
    throw new ClassNamesError(
      `corpus.train has ${names.length === 0 ? 'no label' : `the label "${names[0]}" only`}, and a head is fitted on labels`,
      'label some rows of at least two classes, or check corpus.columns.label',
    );
  }
  yield told(names, 'of the labels of train');
  return readClassList(undefined, names);
}

function told(names: readonly string[], which: string): StageEvent {
  const shown = `${names.slice(0, 5).join(', ')}${names.length > 5 ? ', ...' : ''}`;
  const message = `${names.length} classes, those ${which}: ${shown}; corpus.classNames fixes them`;
  return { type: 'note', message };
}

/** In alphabetical order, so that more answers move no class unless one of them names a new one. */
async function answeredNames(
  paths: readonly string[],
  { columns, task, separator }: PrepareConfig,
): Promise<readonly string[]> {
  const names = new Set<string>();
  for await (const { saying } of readAnswers(paths, columns, valueFormOf(task, separator))) {
    for (const name of namesIn(saying)) names.add(name);
  }
  // Of several labels a single one is a question, too.
  if (names.size >= (task === 'multi-label' ? 1 : 2)) return [...names].sort();
  throw new ClassNamesError(
    `${paths.map((path) => basename(path)).join(', ')}: the answers name ${names.size === 0 ? 'no class' : `the class "${[...names][0]}" only`}`,
    'set corpus.classNames to the names of the classes; lists of probabilities stand in their order',
  );
}
