import { isPerToken, type Task } from '#datasets/task.ts';
import type { LoadedConfig } from './config.ts';
import type { DecantConfig } from './config-schema.ts';
import { ConfigError } from './config-sources.ts';

/** Left out where it is the usual one, so that recipes of before it stay what they are. */
export function taskSetting({ task }: DecantConfig): Task | undefined {
  return task === 'classification' ? undefined : task;
}

/** Refuses, all at once, what the task of the configuration has no meaning for. */
export function refuseForTask(loaded: LoadedConfig): void {
  const { task } = loaded.config;
  const limits = [
    ofTensors,
    ...(isPerToken(task) ? OF_SEVERAL_ANSWERS : []),
    ...(LIMITS[task] ?? []),
  ];
  const problems = limits.flatMap((limit) => limit(loaded.config));
  if (problems.length > 0) throw new ConfigError(loaded.file, problems);
}

interface Problem {
  readonly path: string;
  readonly problem: string;
}

type Limit = (config: DecantConfig) => readonly Problem[];

const noRelabelling: Limit = ({ task, variants }) =>
  Object.entries(variants)
    .filter(([, { labels }]) => labels === 'hard-relabel')
    .map(([name]) => ({
      path: `variants.${name}.labels`,
      problem: `hard-relabel gives one class to a row, and a row of ${task} is not labelled with one: leave it out; rows without labels take part in the soft loss`,
    }));

const oneTeacher: Limit = ({ task, teachers }) =>
  Object.keys(teachers ?? {}).map((name) => ({
    path: `teachers.${name}`,
    problem: `answers of several teachers are mixed a row of the corpus, and ${task} has several answers a row: keep teacher alone`,
  }));

const noBag: Limit = ({ task, student, variants }) => {
  const sections = [
    { path: 'student', architecture: student.architecture },
    ...Object.entries(variants).map(([name, { architecture }]) => ({
      path: `variants.${name}`,
      architecture,
    })),
  ];
  return sections
    .filter(({ architecture }) => architecture === 'bag')
    .map(({ path }) => ({
      path: `${path}.architecture`,
      problem: `a bag says one thing about a whole text, and ${task} asks about each word or token: take modernbert or bert`,
    }));
};

const noCorrections: Limit = ({ task, corpus }) =>
  corpus.corrections === undefined
    ? []
    : [
        {
          path: 'corpus.corrections',
          problem: `a correction is one class a row, and a row of ${task} is not labelled with one: correct the corpus files`,
        },
      ];

const noPairs: Limit = ({ corpus }) =>
  corpus.columns.textPair === undefined
    ? []
    : [{ path: 'corpus.columns.textPair', problem: 'words with labels come one sentence a row' }];

/** A mean of windows is one of distributions, which numbers are not. */
const noWindows: Limit = ({ task, teacher, student }) =>
  [['teacher', teacher.longTexts] as const, ['student', student.longTexts] as const]
    .filter(([, longTexts]) => longTexts === 'windows')
    .map(([section]) => ({
      path: `${section}.longTexts`,
      problem: `windows are put together as probabilities of one class, which ${task} does not have: set truncate or head-tail`,
    }));

/** Views are other texts, and windows parts of one: neither has tensors of its own. */
const ofTensors: Limit = ({ corpus, teacher, augmentations }) => {
  if (corpus.columns.tensors === undefined) return [];
  const views =
    augmentations === undefined
      ? []
      : [
          {
            path: 'augmentations',
            problem: 'change texts, and the rows have tensors: leave it out',
          },
        ];
  const windows =
    teacher.longTexts !== 'windows'
      ? []
      : [
          {
            path: 'teacher.longTexts',
            problem: 'windows are of texts without tensors: set truncate',
          },
        ];
  return [...views, ...windows];
};

/** Where a row of the corpus has an answer for each word or token. */
const OF_SEVERAL_ANSWERS: readonly Limit[] = [noRelabelling, oneTeacher, noBag, noCorrections];

const LIMITS: Readonly<Partial<Record<Task, readonly Limit[]>>> = {
  'multi-label': [noRelabelling, noCorrections, noWindows],
  regression: [noRelabelling, noCorrections, noWindows],
  'token-classification': [noPairs],
};
