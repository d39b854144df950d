import type { Fold } from '#datasets/folds.ts';
import { studentInstance } from '#pipeline/config/auto-student.ts';
import type { LoadedConfig } from '#pipeline/config/config.ts';
import type { DecantConfig } from '#pipeline/config/config-schema.ts';
import { deviceSettings } from '#pipeline/config/device.ts';
import { ownLossOf } from '#pipeline/config/own-loss.ts';
import { seedsOf } from '#pipeline/config/seeds.ts';
import { learnsSoftLabels } from '#pipeline/config/variants.ts';
import { taskSetting } from '#pipeline/limits/task-limits.ts';
import {
  MAIN_TEACHER,
  type MainTeacher,
  softLabelName,
  type Teacher,
  teachersOfVariant,
} from '#pipeline/teachers/teachers.ts';
import { trainStudent } from '#stages/train-student/index.ts';
import { createInstance, type InputReference, perSplit, type StageInstance } from './graph.ts';
import { initialiseParts } from './initialise-wiring.ts';
import { tensorInputs } from './tensor-wiring.ts';
import { viewInputs } from './view-wiring.ts';

type Variant = DecantConfig['variants'][string];

/** A student of the graph: a variant, or one that stands beside it. */
export interface PlannedStudent {
  readonly name: string;
  /** Whose settings it has. */
  readonly variant: string;
  /** The stage whose labels it learns from beside gold. */
  readonly labels: 'hard-relabel' | 'control-labels' | undefined;
  readonly leftOutFold?: Fold;
  /** Where the variant has several: which one of its seeds. Default: the first. */
  readonly seed?: number;
}

/** Trains one student. */
export function trainInstance(
  loaded: LoadedConfig,
  teachers: readonly [MainTeacher, ...Teacher[]],
  { name, variant, labels, leftOutFold, seed }: PlannedStudent,
): StageInstance {
  const { config } = loaded;
  const { initialise, files } = initialiseParts(loaded, teachers[0], variant);
  const {
    initFrom,
    labels: _ofPlan,
    teachers: _ofWiring,
    views,
    seeds: _ofStudents,
    ...own
  } = config.variants[variant] ?? ({} as Variant);
  const {
    vocabulary: _ofPrepare,
    longTexts: _too,
    seeds: _as,
    mix: ofAll,
    ...shared
  } = config.student;
  const chosen = teachersOfVariant(loaded, teachers, variant);
  // A variant that learns from gold labels alone does not become stale with the teacher's words.
  const learnsFromTeacher = learnsSoftLabels(config, variant);
  const isMix = learnsFromTeacher && chosen.length > 1;
  // Left out where nothing is mixed, so that students of one teacher stay fresh.
  const mixing = {
    mix: isMix ? (own.mix ?? ofAll) : undefined,
    teacherWeights: isMix
      ? Object.fromEntries(chosen.map((teacher) => [teacher.name, teacher.weight]))
      : undefined,
  };
  const skips = chosen.some(
    ({ source }) => source.type === 'answers' && source.settings.missing === 'skip',
  );
  const ownLoss = ownLossOf(loaded.folder, {
    softLoss: own.softLoss ?? shared.softLoss,
    isUsed: learnsFromTeacher,
  });
  const unanswered = learnsFromTeacher && skips ? 'leave-out' : undefined;
  return createInstance(`train-student:${name}`, trainStudent, {
    config: {
      task: taskSetting(config),
      // No other student says which token follows.
      ...(config.task === 'causal-lm' && { architecture: 'gpt2' }),
      ...shared,
      ...own,
      seed: seed ?? seedsOf(config, variant)?.[0] ?? own.seed ?? shared.seed ?? config.seed,
      ...(typeof views === 'string' && { views }),
      ...ownLoss.settings,
      // They come with soft labels; a student of gold alone may share its settings with others.
      hints: learnsFromTeacher ? (own.hints ?? shared.hints) : undefined,
      ...mixing,
      unanswered,
      leftOutFold,
      initialise,
      ...deviceSettings(config),
    },
    files: { ...files, ...ownLoss.files },
    inputs: {
      ...perSplit(['train', 'validation'], 'prepare', 'tokens/student'),
      ...perSplit(['train', 'validation'], 'prepare', 'labels'),
      ...tensorInputs(config, ['train', 'validation']),
      ...(learnsFromTeacher ? trainRows(chosen) : {}),
      ...(learnsFromTeacher &&
      views !== false &&
      config.augmentations !== undefined &&
      leftOutFold === undefined
        ? viewInputs(chosen)
        : {}),
      ...perSplit(['validation'], 'soft-label', 'rows'),
      'tokenizer/student': { instance: 'prepare', output: 'tokenizer/student' },
      classes: { instance: 'prepare', output: 'classes' },
      ...(labels === undefined ? {} : { hardLabels: { instance: labels, output: 'hard-labels' } }),
      ...(initFrom === undefined
        ? {}
        : { initFrom: { instance: studentInstance(config, initFrom), output: 'student' } }),
    },
  });
}

/** What each teacher says of the train rows: `rows/train` of the main one, `rows/train@NAME` of another. */
function trainRows(teachers: readonly Teacher[]): Record<string, InputReference> {
  return Object.fromEntries(
    teachers.map(({ name }) => [
      name === MAIN_TEACHER ? 'rows/train' : `rows/train@${name}`,
      { instance: softLabelName(name), output: 'rows/train' },
    ]),
  );
}
