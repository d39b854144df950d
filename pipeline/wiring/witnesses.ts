import { candidatesOf } from '#pipeline/config/auto-student.ts';
import type { LoadedConfig } from '#pipeline/config/config.ts';
import type { DecantConfig } from '#pipeline/config/config-schema.ts';
import { ConfigError } from '#pipeline/config/config-sources.ts';
import type { MainTeacher } from '#pipeline/teachers/teachers.ts';
import { classNamesIn } from '#stages/onnx/class-names.ts';
import { initialiseParts } from './initialise-wiring.ts';

type RelabelSettings = NonNullable<DecantConfig['hard-relabel']>;

/**
 * A gold label is changed on the word of those that have not learned it: with folds refuses a student that has, by
 * where its weights come from, and a teacher whose head is fitted on the gold labels of train.
 * @throws ConfigError that names the setting and what may stand there.
 */
export function refuseInSample(
  loaded: LoadedConfig,
  teacher: MainTeacher,
  settings: RelabelSettings,
): void {
  refuseTeacher(loaded, settings);
  refuseStudent(loaded, settings.student);
  refuseStart(loaded, teacher, settings);
}

/** The head of a sentence encoder has learned the very labels that it would be asked about. */
function refuseTeacher(
  { config, file }: LoadedConfig,
  { policy, evidence }: RelabelSettings,
): void {
  if (config.teacher.embeddings === undefined || policy === 'fill-unlabelled') return;
  const why = 'the head of teacher.embeddings is fitted on these gold labels';
  const refuse = (path: string, problem: string) => {
    throw new ConfigError(file, [{ path: `hard-relabel.${path}`, problem }]);
  };
  if (policy === 'teacher-confident') {
    refuse(
      'policy',
      `${why}, so it is no witness against them: with folds write policy: label-odds (or confident-learning) and evidence: student`,
    );
  }
  if (evidence !== 'student') {
    refuse('evidence', `${why}, so it is no witness against them: write evidence: student`);
  }
}

/** With folds the student is trained anew, so it must be one architecture and start from no other student. */
function refuseStudent({ config, file }: LoadedConfig, student: string): void {
  const refuse = (problem: string) => {
    throw new ConfigError(file, [{ path: 'hard-relabel.student', problem }]);
  };
  const start = config.variants[student]?.initFrom;
  if (start !== undefined) {
    refuse(
      `"${student}" starts from "${start}", which has learned from every row: with folds name a variant without initFrom`,
    );
  }
  const [candidate] = candidatesOf(config, student);
  if (candidate !== undefined) {
    refuse(
      `"${student}" is chosen among architectures: with folds name one, such as ${candidate.name}`,
    );
  }
}

/** A model whose classes have names has learned labels, and nobody knows that they are not these. */
function refuseStart(
  loaded: LoadedConfig,
  teacher: MainTeacher,
  { student, evidence }: RelabelSettings,
): void {
  const { initialise, files } = initialiseParts(loaded, teacher, student);
  if (initialise === undefined) return;
  const refuse = (why: string) => {
    const problem = `"${student}" starts from ${why}: with folds name a variant with initialise: random, or from an encoder without a head`;
    throw new ConfigError(loaded.file, [{ path: 'hard-relabel.student', problem }]);
  };
  const { variants, student: shared } = loaded.config;
  const from = variants[student]?.initialise ?? shared.initialise;
  if (from === undefined || from === 'random') return;
  if (from.from === 'teacher') {
    if (evidence === 'student') {
      refuse('the teacher, which by evidence: student has learned these labels');
    }
    return;
  }
  const [place = ''] = files['initialiseConfig'] ?? [];
  const [first, ...others] = classNamesIn(place) ?? [];
  if (first === undefined) return;
  const classes = others.length === 0 ? `the class "${first}"` : `classes such as "${first}"`;
  refuse(`${from.from}, a model with ${classes} that may have learned these labels`);
}
