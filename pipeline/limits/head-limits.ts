import { HEAD_TASKS } from '#datasets/task.ts';
import type { LoadedConfig } from '#pipeline/config/config.ts';
import type { DecantConfig } from '#pipeline/config/config-schema.ts';
import { ConfigError } from '#pipeline/config/config-sources.ts';
import { type Problem, taskProblems } from './task-limits.ts';

/** Refuses, all at once, what students with several heads cannot have. */
export function refuseForHeads({ config, file }: LoadedConfig): void {
  if (Object.keys(config.heads ?? {}).length === 0) return;
  const problems = [
    ...ofWhole(config),
    ...ofCorpora(config),
    ...ofTasks(config),
    ...ofStudents(config),
  ];
  if (problems.length > 0) throw new ConfigError(file, problems);
}

function ofWhole(config: DecantConfig): Problem[] {
  const { task, teachers, augmentations, student } = config;
  const { goal } = config.export;
  return [
    refusal(
      'heads',
      HEAD_TASKS.some((one) => one === task),
      `say one thing of a whole text (${HEAD_TASKS.join(', ')}), and ${task} has an answer a word or token`,
    ),
    refusal(
      'student.vocabulary',
      student.vocabulary === 'full',
      'a trimmed vocabulary is that of one corpus, and heads read several: set full',
    ),
    refusal('teachers', teachers === undefined, `${ONE_TEACHER}: take teachers or heads out`),
    refusal(
      'augmentations',
      augmentations === undefined,
      'views are made of the train rows of one corpus: take augmentations or heads out',
    ),
    refusal(
      'export.goal',
      goal === undefined,
      'an operating point is chosen for one task: take it or heads out',
    ),
  ].flat();
}

function ofCorpora({ corpus, heads = {} }: DecantConfig): Problem[] {
  const corpora = Object.entries(heads).map(([name, head]) => [
    `heads.${name}.corpus`,
    head.corpus,
  ]);
  const all = [['corpus', corpus] as const, ...(corpora as [string, typeof corpus][])];
  const readsPairs = corpus.columns.textPair !== undefined;
  return all.flatMap(([path, { columns }]) => [
    ...refusal(
      `${path}.columns.tensors`,
      columns.tensors === undefined && columns.text !== null,
      'students with heads read texts alone: take it or heads out',
    ),
    ...refusal(
      `${path}.columns.textPair`,
      (columns.textPair !== undefined) === readsPairs,
      'one student is asked about pairs of texts, or about single ones: let all corpora have textPair, or none',
    ),
  ]);
}

/** What the task of a head has no meaning for, in its own section and in what the students share. */
function ofTasks(config: DecantConfig): Problem[] {
  const found = Object.entries(config.heads ?? {}).flatMap(([name, head]) => {
    const { task = 'classification', corpus } = head;
    const { maxLength, longTexts, windowOverlap } = config.teacher;
    const teacher = { ...head.teacher, maxLength, longTexts, windowOverlap };
    const own = { ...config, task, corpus, teacher, heads: undefined, evaluate: undefined };
    return taskProblems(own).map(({ path, problem }) => {
      const [section, setting = ''] = path.split('.');
      const isOwn = section === 'corpus' || (section === 'teacher' && setting in head.teacher);
      return isOwn
        ? { path: `heads.${name}.${path}`, problem }
        : { path, problem: `of the head ${name}: ${problem}` };
    });
  });
  const numbers = tasksOf(config).filter((task) => task === 'regression').length;
  const areMixed = numbers > 0 && numbers < tasksOf(config).length;
  const sections = Object.entries(config.variants).map(
    ([name, own]) => [`variants.${name}`, own] as const,
  );
  const modules = [['student', config.student] as const, ...sections].flatMap(
    ([path, { softLoss }]) =>
      refusal(
        `${path}.softLoss`,
        !areMixed || typeof softLoss !== 'object' || !('module' in softLoss),
        'one loss of your own cannot compare classes and numbers: name a loss, which regression passes over, or take it out',
      ),
  );
  return [...found, ...modules];
}

function tasksOf({ task, heads = {} }: DecantConfig): string[] {
  return [task, ...Object.values(heads).map((head) => head.task ?? 'classification')];
}

function ofStudents({ student, variants }: DecantConfig): Problem[] {
  const named = Object.entries(variants).map(([name, own]) => [`variants.${name}`, own] as const);
  const relabelled = named.flatMap(([path, { labels }]) =>
    refusal(
      `${path}.labels`,
      labels === undefined,
      'hard-relabel gives labels to the rows of one corpus: leave it or heads out',
    ),
  );
  const shared = [['student', student] as const, ...named].flatMap(
    ([path, { architecture, hints, classWeights }]) => [
      refusal(
        `${path}.architecture`,
        architecture !== 'auto',
        'auto chooses by the validation rows of one task: name an architecture',
      ),
      refusal(
        `${path}.hints`,
        hints === undefined,
        'features of the teachers of several tasks have no common projection: leave hints out',
      ),
      refusal(
        `${path}.classWeights`,
        classWeights === undefined || classWeights === 'balanced',
        'names classes, and each head has others: set balanced, or leave it out',
      ),
    ],
  );
  return [...relabelled, ...shared.flat()];
}

function refusal(path: string, isFine: boolean, problem: string): Problem[] {
  return isFine ? [] : [{ path, problem }];
}

const ONE_TEACHER = 'each head learns from one teacher, its own';
