import { candidatesOf, studentInstance } from '#pipeline/config/auto-student.ts';
import type { LoadedConfig } from '#pipeline/config/config.ts';
import { ConfigError } from '#pipeline/config/config-sources.ts';
import { seedName, seedsOf } from '#pipeline/config/seeds.ts';
import { checkVariant } from '#pipeline/config/variants.ts';
import type { MainTeacher, Teacher } from '#pipeline/teachers/teachers.ts';
import { controlLabels } from '#stages/control-labels/index.ts';
import { hardRelabel } from '#stages/hard-relabel/index.ts';
import { createInstance, type InputReference, perSplit, type StageInstance } from './graph.ts';
import { type PlannedStudent, trainInstance } from './student-wiring.ts';
import { refuseInSample } from './witnesses.ts';

/**
 * The variants in their order, each followed by its controls where `hard-relabel.control` asks for them, and all of
 * them by the students of further seeds.
 */
export function studentsOf(loaded: LoadedConfig, order: readonly string[]): PlannedStudent[] {
  return order.flatMap((name) => ofSeeds(loaded, withControls(loaded, name)));
}

function withControls({ config }: LoadedConfig, name: string): PlannedStudent[] {
  const { variants, 'hard-relabel': settings } = config;
  const { labels } = variants[name] ?? {};
  const student = { name, variant: name, labels };
  const isChosen = candidatesOf(config, name).length > 0;
  if (isChosen || labels === undefined || settings?.control !== true) return [student];
  return [
    student,
    { name: `${name}.random`, variant: name, labels: 'control-labels' },
    { name: `${name}.unchanged`, variant: name, labels: undefined },
  ];
}

function ofSeeds({ config }: LoadedConfig, students: readonly PlannedStudent[]): PlannedStudent[] {
  return students.flatMap((student) => {
    const [, ...others] = seedsOf(config, student.variant) ?? [0];
    const more = others.map((seed) => ({ ...student, name: seedName(student.name, seed), seed }));
    return [student, ...more];
  });
}

/** What gives hard labels: with folds also the students that leave a part of the rows out. */
export function relabelInstances(
  loaded: LoadedConfig,
  teachers: readonly [MainTeacher, ...Teacher[]],
): StageInstance[] {
  const settings = loaded.config['hard-relabel'];
  if (settings === undefined) {
    const problem = 'is missing, but a variant has labels: hard-relabel';
    throw new ConfigError(loaded.file, [{ path: 'hard-relabel', problem }]);
  }
  const { student, control, ...config } = settings;
  checkVariant(loaded, student, 'hard-relabel.student');
  const { folds } = config;
  if (folds !== undefined) refuseInSample(loaded, teachers[0], settings);
  const witnesses = Array.from({ length: folds ?? 0 }, (_, at) =>
    trainInstance(loaded, teachers, {
      name: `${student}.fold${at + 1}`,
      variant: student,
      labels: undefined,
      leftOutFold: { fold: at + 1, of: folds ?? 0 },
    }),
  );
  const relabel = createInstance('hard-relabel', hardRelabel, {
    config,
    files: {},
    inputs: {
      ...perSplit(['train', 'validation'], 'soft-label', 'rows'),
      ...perSplit(['train', 'validation'], 'prepare', 'labels'),
      ...predictionsOf(loaded, student, folds),
      classes: { instance: 'prepare', output: 'classes' },
    },
  });
  if (control !== true) return [...witnesses, relabel];
  const random = createInstance('control-labels', controlLabels, {
    config: { seed: loaded.config.seed },
    files: {},
    inputs: {
      ...perSplit(['train'], 'prepare', 'labels'),
      ...perSplit(['train'], 'prepare', 'tokens/student'),
      'hard-labels': { instance: 'hard-relabel', output: 'hard-labels' },
      classes: { instance: 'prepare', output: 'classes' },
    },
  });
  return [...witnesses, relabel, random];
}

function predictionsOf(
  { config }: LoadedConfig,
  student: string,
  folds: number | undefined,
): Record<string, InputReference> {
  const output = 'predictions';
  if (folds === undefined)
    return { predictions: { instance: studentInstance(config, student), output } };
  return Object.fromEntries(
    Array.from({ length: folds }, (_, at) => `fold${at + 1}`).map((fold) => [
      `predictions@${fold}`,
      { instance: `train-student:${student}.${fold}`, output },
    ]),
  );
}
