import type { Task } from '#datasets/task.ts';
import type { LoadedConfig } from '#pipeline/config/config.ts';
import type { DecantConfig } from '#pipeline/config/config-schema.ts';
import { ConfigError } from '#pipeline/config/config-sources.ts';
import { ofEvaluation } from './evaluate-limits.ts';
import { ofTensors } from './tensor-limits.ts';

/** Left out where it is the usual one, so that recipes of before it stay what they are. */
export function taskSetting({ task }: DecantConfig): Task | undefined {
  return task === 'classification' ? undefined : task;
}

/** Refuses, all at once, what the task of the configuration has no meaning for. */
export function refuseForTask(loaded: LoadedConfig): void {
  const problems = taskProblems(loaded.config);
  if (problems.length > 0) throw new ConfigError(loaded.file, problems);
}

/** Settings that the task of the configuration has no meaning for. */
export function taskProblems(config: DecantConfig): readonly Problem[] {
  const limits = [ofTensors, ofEvaluation, ...LIMITS[config.task]];
  return limits.flatMap((limit) => limit(config));
}

/** A setting and what is wrong with it. */
export interface Problem {
  readonly path: string;
  readonly problem: string;
}

type Limit = (config: DecantConfig) => readonly Problem[];

/** Settings that a path of the configuration leads to, each with what to do about it. */
const given =
  (problems: (config: DecantConfig) => Readonly<Record<string, unknown>>, problem: string): Limit =>
  (config) =>
    Object.entries(problems(config)).flatMap(([path, value]) =>
      value === undefined ? [] : [{ path, problem }],
    );

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

/** Each teacher of a language model has a cache, and no student learns from several. */
const oneTeacherOfStudents: Limit = (config) =>
  Object.keys(config.variants).length === 0 ? [] : oneTeacher(config);

const noWholeTexts: Limit = (config) =>
  architecturesIn(config)
    .filter(({ architecture }) => architecture === 'bag' || architecture === 'textcnn')
    .map(({ path, architecture }) => ({
      path,
      problem: `a ${architecture} says one thing about a whole text, and ${config.task} asks about each word or token: take modernbert or bert`,
    }));

/** Architectures that are named, with their paths. */
function architecturesIn(config: DecantConfig) {
  return studentSections(config).flatMap(([path, { architecture }]) =>
    architecture === undefined ? [] : [{ path: `${path}.architecture`, architecture }],
  );
}

function studentSections({ student, variants }: DecantConfig) {
  const named = Object.entries(variants).map(
    ([name, variant]) => [`variants.${name}`, variant] as const,
  );
  return [['student', student] as const, ...named];
}

/** Classes are balanced by the one class of a row. */
const noBalance: Limit = (config) =>
  studentSections(config)
    .filter(([, { sampling }]) => sampling === 'balanced')
    .map(([path]) => ({
      path: `${path}.sampling`,
      problem: `balanced draws rows by their one class, which a row of ${config.task} does not have: leave it out`,
    }));

/** Students that can say which token is likely. */
const onlyArchitectures =
  (...possible: readonly string[]): Limit =>
  (config) =>
    architecturesIn(config)
      .filter(({ architecture }) => !possible.includes(architecture))
      .map(({ path }) => ({
        path,
        problem: `students of ${config.task} are ${possible.join(' or ')}: take ${possible.length === 1 ? 'it' : 'one'}, or leave it out`,
      }));

const noNextToken: Limit = (config) =>
  architecturesIn(config)
    .filter(({ architecture }) => architecture === 'gpt2')
    .map(({ path }) => ({
      path,
      problem: `gpt2 says which token follows, which belongs to task: causal-lm; take modernbert or bert`,
    }));

const noCorrections: Limit = (config) =>
  given(
    ({ corpus }) => ({ 'corpus.corrections': corpus.corrections }),
    `a correction is one class a row, and a row of ${config.task} is not labelled with one: correct the corpus files`,
  )(config);

const noPairs = given(
  ({ corpus }) => ({ 'corpus.columns.textPair': corpus.columns.textPair }),
  'words with labels come one sentence a row',
);

/** A mean of windows is one of distributions, which numbers are not. */
const noWindows: Limit = ({ task, teacher, student }) =>
  [['teacher', teacher.longTexts] as const, ['student', student.longTexts] as const]
    .filter(([, longTexts]) => longTexts === 'windows')
    .map(([section]) => ({
      path: `${section}.longTexts`,
      problem: `windows are put together as probabilities of one class, which ${task} does not have: set truncate or head-tail`,
    }));

/** The tokens and their places are the teacher's: who predicts them has no other vocabulary. */
const oneTokenizer: Limit = (config) => {
  const { vocabulary, maxLength } = config.student;
  const all = config.teacher.maxLength;
  const problems = {
    'student.vocabulary':
      vocabulary === 'trimmed' &&
      'a student of a language model predicts the tokens of its teacher, so it has its whole vocabulary: set full, or leave it out',
    'student.maxLength':
      maxLength !== undefined &&
      maxLength !== all &&
      `a student of a language model reads what its teacher read: set ${all} as teacher.maxLength, or leave it out`,
  };
  return Object.entries(problems).flatMap(([path, problem]) =>
    problem === false ? [] : [{ path, problem }],
  );
};

const noAuto: Limit = (config) =>
  given(
    ({ student: { architecture } }) =>
      architecture === 'auto' ? { 'student.architecture': architecture } : {},
    `auto chooses among students of whole texts or words, which ${config.task} does not have: leave it out`,
  )(config);

/** Classes of a row are what a student can be sure of. */
const noGoal = given(
  (config) => ({ 'export.goal': config.export.goal }),
  'is about the classes that a student says of a row: it belongs to task: classification or multi-label',
);

/** The mean of what several say is that of a number; smoothing spreads a label over classes. */
const noSmoothing = given(
  ({ teacher, teachers }) => ({
    'teacher.smoothing': teacher.smoothing,
    ...Object.fromEntries(
      Object.entries(teachers ?? {}).map(([name, one]) => [
        `teachers.${name}.smoothing`,
        one.smoothing,
      ]),
    ),
  }),
  'spreads a label over the classes, and a number is none: leave it out',
);

const LANGUAGE_MODEL: readonly Limit[] = [
  noAuto,
  noGoal,
  noBalance,
  oneTokenizer,
  given(
    ({ teacher }) => ({
      'teacher.answers': teacher.answers,
      'teacher.embeddings': teacher.embeddings,
    }),
    'a language model is asked as an ONNX graph: set teacher.model',
  ),
  noRelabelling,
  oneTeacherOfStudents,
  given(
    (config) => ({ 'hard-relabel': config['hard-relabel'] }),
    'the text of a language model says which token is right: take it out',
  ),
  given(
    ({ variants, gate }) => ({ gate: Object.keys(variants).length === 0 ? gate : undefined }),
    'belongs to students, and without variants the graph of a language model ends with soft-label: take it out, or name a variant',
  ),
  given(
    ({ corpus }) => ({
      'corpus.corrections': corpus.corrections,
      'corpus.classNames': corpus.classNames,
    }),
    'the classes of a language model are the pieces of its tokenizer, and the text itself says which one is right: take it out',
  ),
];

/** A decoder that reads what an encoder says is no architecture of ours. */
const noStudents = given(
  ({ variants }) =>
    Object.fromEntries(Object.keys(variants).map((name) => [`variants.${name}`, name])),
  'students of an encoder-decoder are not built here, so that its graph ends with soft-label: the cache is its result, for students that are trained elsewhere (npx decant cache info, export). Take variants out',
);

const noTextPair = given(
  ({ corpus }) => ({ 'corpus.columns.textPair': corpus.columns.textPair }),
  'a causal language model reads one text, an encoder-decoder one text and its target (corpus.columns.target)',
);
const noTarget = given(
  ({ corpus }) => ({ 'corpus.columns.target': corpus.columns.target }),
  'belongs to task: sequence-to-sequence',
);
const noMask = given(
  ({ corpus }) => ({ 'corpus.maskShare': corpus.maskShare }),
  'belongs to task: masked-lm',
);
const noTextUnit = given(
  ({ corpus }) => ({ 'corpus.textUnit': corpus.textUnit }),
  'belongs to language models (task: causal-lm or masked-lm)',
);

/** What belongs to a language model alone. */
const OTHERS: readonly Limit[] = [noTarget, noMask, noTextUnit, noNextToken];

/** Where a row of the corpus has an answer for each word. */
const OF_WORDS: readonly Limit[] = [
  noRelabelling,
  oneTeacher,
  noWholeTexts,
  noCorrections,
  noPairs,
];

const LIMITS: Readonly<Record<Task, readonly Limit[]>> = {
  classification: OTHERS,
  'multi-label': [...OTHERS, noRelabelling, noCorrections, noWindows, noBalance],
  regression: [...OTHERS, noRelabelling, noCorrections, noWindows, noBalance, noGoal, noSmoothing],
  'token-classification': [...OTHERS, ...OF_WORDS, noBalance, noGoal],
  'causal-lm': [...LANGUAGE_MODEL, noTextPair, noTarget, noMask, onlyArchitectures('gpt2')],
  'masked-lm': [...LANGUAGE_MODEL, noTarget, onlyArchitectures('modernbert', 'bert')],
  'sequence-to-sequence': [...LANGUAGE_MODEL, noStudents, noTextPair, noMask, noTextUnit],
};
