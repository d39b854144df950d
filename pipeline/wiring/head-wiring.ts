import type { LoadedConfig } from '#pipeline/config/config.ts';
import type { DecantConfig } from '#pipeline/config/config-schema.ts';
import { ConfigError, type ConfigProblem } from '#pipeline/config/config-sources.ts';
import { spreadInstance } from '#pipeline/config/seeds.ts';
import { readingProblem } from '#pipeline/limits/reading-limits.ts';
import { taskSetting } from '#pipeline/limits/task-limits.ts';
import { teacherSource } from '#pipeline/teachers/teacher-source.ts';
import {
  licenseOf,
  MAIN_TEACHER,
  type MainTeacher,
  taskProblem,
  tokenizerProblem,
} from '#pipeline/teachers/teachers.ts';
import { type InputReference, perSplit, type StageInstance } from './graph.ts';
import { prepareInstance } from './prepare-wiring.ts';
import { evaluateStudent, evaluateTeacher, hasInt8, int8Name } from './result-wiring.ts';
import { fitHeadInstance, softLabelInstance } from './teacher-wiring.ts';

/** A further task of the students: its rows and its teacher, as if there were no other. */
export interface HeadTask {
  readonly name: string;
  readonly weight: number;
  /** The configuration with this task in the place of the first. */
  readonly loaded: LoadedConfig;
  readonly teacher: MainTeacher;
}

/** The further tasks of a configuration; refuses a teacher that reads other tokens than the first. */
export function headTasksOf(loaded: LoadedConfig, main: MainTeacher): HeadTask[] {
  const tasks = Object.entries(loaded.config.heads ?? {}).map(([name, settings]): HeadTask => {
    const { task = 'classification', corpus, teacher, weight = 1 } = settings;
    const source = teacherSource(loaded.folder, placeOf(name), teacher);
    const license = licenseOf(source, teacher.license);
    const { maxLength, longTexts, windowOverlap } = loaded.config.teacher;
    const config: DecantConfig = {
      ...loaded.config,
      task,
      corpus,
      teacher: { ...teacher, maxLength, longTexts, windowOverlap },
      heads: undefined,
      // Columns and changed texts are those of the first corpus.
      evaluate: undefined,
    };
    // All heads read through one encoder, so that the first tokenizer is that of all.
    const own: MainTeacher = {
      name: MAIN_TEACHER,
      source,
      license,
      weight: 1,
      tokenizer: main.tokenizer,
      output: teacher.output,
      // The tensors that soft-label.hidden names are of the first teacher's graph.
      hidden: undefined,
    };
    return { name, weight, loaded: { ...loaded, config }, teacher: own };
  });
  const problems = tasks.flatMap(({ name, teacher, loaded: { config } }): ConfigProblem[] => {
    const { source } = teacher;
    const place = `${placeOf(name)}.${source.type}`;
    const unanswered = taskProblem(config.task, source);
    if (unanswered !== undefined) return [{ path: place, problem: unanswered }];
    const unread = readingProblem(config, source);
    if (unread !== undefined) return [unread];
    const problem = tokenizerProblem(source, main);
    return problem === undefined ? [] : [{ path: place, problem }];
  });
  if (problems.length > 0) throw new ConfigError(loaded.file, problems);
  return tasks;
}

/** `prepare:NAME`. */
export function headPrepareInstance(
  { name, loaded, teacher }: HeadTask,
  tombstones: string | undefined,
): StageInstance {
  return ofHead(prepareInstance(loaded, teacher, tombstones), name);
}

/** `soft-label:NAME`, and before it `fit-head:NAME` of a sentence encoder. */
export function headCacheInstances({ name, loaded, teacher }: HeadTask): StageInstance[] {
  const { config } = loaded;
  const instances = [
    ...fitHeadInstance(config, teacher),
    softLabelInstance(config, teacher, teacher),
  ];
  return instances.map((instance) => ofHead(instance, name));
}

/**
 * Measures the task's teacher, each student with the head of the task, `evaluate:STUDENT.NAME`, and the exported one
 * with int8 weights too, where the export has them.
 */
export function headEvaluations(
  { name, loaded: { config }, teacher }: HeadTask,
  students: readonly string[],
  exported: string,
): StageInstance[] {
  const measured = [
    evaluateTeacher(config, teacher),
    ...students.map((student) => evaluateStudent(config, student, { isExported: false })),
    ...(hasInt8(config)
      ? [evaluateStudent(config, exported, { isExported: false, quantize: 'int8' })]
      : []),
  ];
  return measured.map((instance) => {
    const shown = headResultName(String(instance.config['name']), name);
    const own = { ...instance.config, name: shown, head: name };
    return { ...ofHead(instance, name), name: `evaluate:${shown}`, config: own };
  });
}

/** The training of a student with the inputs of all its further heads. */
export function withHeadInputs(training: StageInstance, tasks: readonly HeadTask[]): StageInstance {
  if (tasks.length === 0) return training;
  const learnsFromTeacher = 'rows/train' in training.inputs;
  const skips = tasks.some(
    ({ teacher: { source } }) => source.type === 'answers' && source.settings.missing === 'skip',
  );
  const settings = tasks.map(({ name, weight, loaded: { config } }) => {
    const task = taskSetting(config);
    return [name, { weight, ...(task !== undefined && { task }) }] as const;
  });
  return {
    ...training,
    config: {
      ...training.config,
      taskHeads: Object.fromEntries(settings),
      ...(learnsFromTeacher && skips && { unanswered: 'leave-out' }),
    },
    inputs: {
      ...training.inputs,
      ...inputsOfHeads(tasks, ({ name }) => ({
        ...perSplit(['train', 'validation'], `prepare:${name}`, 'tokens/student'),
        ...perSplit(['train', 'validation'], `prepare:${name}`, 'labels'),
        ...(learnsFromTeacher ? perSplit(['train'], `soft-label:${name}`, 'rows') : {}),
        ...perSplit(['validation'], `soft-label:${name}`, 'rows'),
        classes: { instance: `prepare:${name}`, output: 'classes' },
      })),
    },
  };
}

/** The export of a student with what its card tells of further heads. */
export function withHeadFacts(exported: StageInstance, tasks: readonly HeadTask[]): StageInstance {
  if (tasks.length === 0) return exported;
  const student = String(exported.config['name']);
  const licenses = tasks.map(({ name, teacher, loaded: { config } }) => [
    name,
    {
      ...(teacher.license !== undefined && { teacherLicense: teacher.license }),
      ...(config.corpus.license !== undefined && { corpusLicense: config.corpus.license }),
    },
  ]);
  return {
    ...exported,
    config: { ...exported.config, heads: Object.fromEntries(licenses) },
    inputs: {
      ...exported.inputs,
      ...inputsOfHeads(tasks, ({ name, loaded: { config } }) => ({
        ...perSplit(['validation'], `prepare:${name}`, 'tokens/student'),
        ...perSplit(['validation'], `prepare:${name}`, 'labels'),
        classes: { instance: `prepare:${name}`, output: 'classes' },
        metrics: metricsOf(headResultName(student, name)),
        ...(hasInt8(config) && {
          'metrics/int8': metricsOf(headResultName(int8Name(student), name)),
        }),
      })),
    },
  };
}

/** The report with a row for each head of each model that it has, with the spread over seeds where there are several. */
export function withHeadResults(report: StageInstance, tasks: readonly HeadTask[]): StageInstance {
  if (tasks.length === 0) return report;
  const ofHeads = Object.entries(report.inputs).flatMap(([input, { instance, output }]) => {
    const isShown = output === 'metrics' || output === 'spread';
    return (isShown ? tasks : []).map(({ name }): [string, InputReference] => [
      headResultName(input, name),
      { instance: headResultName(instance, name), output },
    ]);
  });
  return {
    ...report,
    config: { ...report.config, heads: tasks.map(({ name }) => name) },
    inputs: { ...report.inputs, ...Object.fromEntries(ofHeads) },
  };
}

/** What the students of several seeds of a variant have in common, head by head. */
export function headSpreads(
  tasks: readonly HeadTask[],
  variant: string,
  students: readonly string[],
): StageInstance[] {
  return tasks.map(({ name }) =>
    spreadInstance(
      headResultName(variant, name),
      students.map((student) => headResultName(student, name)),
    ),
  );
}

/** Name of a model in tables, where a further head of it is measured; no variant can have it. */
export function headResultName(model: string, head: string): string {
  return `${model}.${head}`;
}

/** An instance that was made of the head's own configuration, with the instances that only this head has. */
function ofHead(instance: StageInstance, head: string): StageInstance {
  const named = (name: string) => (OF_ONE_TASK.includes(name) ? `${name}:${head}` : name);
  const inputs = Object.entries(instance.inputs).map(([input, reference]) => [
    input,
    { ...reference, instance: named(reference.instance) },
  ]);
  return { ...instance, name: named(instance.name), inputs: Object.fromEntries(inputs) };
}

function metricsOf(model: string): InputReference {
  return { instance: `evaluate:${model}`, output: 'metrics' };
}

function inputsOfHeads(
  tasks: readonly HeadTask[],
  inputsOf: (task: HeadTask) => Record<string, InputReference>,
): Record<string, InputReference> {
  const all = tasks.flatMap((task) =>
    Object.entries(inputsOf(task)).map(([input, from]) => [`heads/${task.name}/${input}`, from]),
  );
  return Object.fromEntries(all);
}

function placeOf(head: string): string {
  return `heads.${head}.teacher`;
}

/** Stages whose result is of one corpus or of its teacher. */
const OF_ONE_TASK = ['prepare', 'fit-head', 'soft-label'];
