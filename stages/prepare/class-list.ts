import { readFile } from 'node:fs/promises';
import { z } from 'zod';
import { nearestName } from '#datasets/nearest-name.ts';
import { isValueTask, type Task } from '#datasets/task.ts';
import { ClassNamesError, TeacherFileError } from './prepare-errors.ts';

/** The classes of a run, and how labels of the corpus find them. */
export interface ClassList {
  /** In the order of the teacher's outputs. */
  readonly classNames: readonly string[];
  /** Class id of everything that a label may be written as. */
  readonly idOfLabel: ReadonlyMap<string, number>;
  /** True where the teacher has numbers only, so that labels may be numbers too. */
  readonly byNumber: boolean;
}

/** What decant.yaml and the corpus say of the classes. */
export interface ClassSettings {
  readonly task?: Task | undefined;
  readonly columns?: { readonly label: string | readonly string[] };
  /** Numbers of a label, of regression. */
  readonly outputs?: number;
}

/** Brings config.json of the teacher and the configured names together; names decide, never the position. */
export async function readClassList(
  configPath: string | undefined,
  given: readonly string[] | undefined,
  settings: ClassSettings = {},
): Promise<ClassList> {
  const configured = given ?? columnNames(settings);
  const teacherNames = configPath === undefined ? undefined : await readTeacherNames(configPath);
  const byNumber = teacherNames?.every((name, id) => name === `LABEL_${id}`) ?? false;
  const classNames = namesOf(teacherNames, byNumber, configured, settings);
  if (!isValueTask(settings.task) && configured !== undefined && configured.length < 2) {
    throw new ClassNamesError(
      `${classNames.length} class is nothing to choose from`,
      'name all classes, or set task: regression where the model gives one number',
    );
  }
  const idOfLabel = new Map(byNumber ? numberedLabels(classNames.length) : []);
  // Set last: a class that is really called "3" wins over the number 3.
  for (const [id, name] of classNames.entries()) idOfLabel.set(name, id);
  return { classNames, idOfLabel, byNumber };
}

/** A task that has a column a class takes its names from there. */
function columnNames({ task, columns }: ClassSettings): readonly string[] | undefined {
  if (!isValueTask(task) || typeof columns?.label === 'string') return undefined;
  return columns?.label;
}

/** The outputs of a regression are numbers, and need no name. */
function namesOf(
  teacherNames: readonly string[] | undefined,
  byNumber: boolean,
  configured: readonly string[] | undefined,
  { task, outputs = 1 }: ClassSettings,
): readonly string[] {
  if (task === 'regression' && configured === undefined && (byNumber || !teacherNames)) {
    const count = teacherNames?.length ?? outputs;
    return Array.from({ length: count }, (_, output) => `y${output}`);
  }
  return combine(teacherNames, byNumber, configured);
}

function combine(
  teacherNames: readonly string[] | undefined,
  byNumber: boolean,
  configured: readonly string[] | undefined,
): readonly string[] {
  if (configured !== undefined) requireDistinct(configured, 'corpus.classNames');
  if (teacherNames === undefined) {
    if (configured !== undefined) return configured;
    throw new TeacherFileError('config.json', undefined, 'set corpus.classNames instead');
  }
  if (configured === undefined) return teacherNames;
  if (!byNumber) {
    requireSameSet(configured, teacherNames);
    return teacherNames;
  }
  if (configured.length === teacherNames.length) return configured;
  throw new ClassNamesError(
    `corpus.classNames has ${configured.length} names, the teacher ${teacherNames.length} numbered outputs`,
    'name every output of the teacher once, in its order',
  );
}

async function readTeacherNames(path: string): Promise<readonly string[] | undefined> {
  const { id2label, num_labels: count } = await readConfig(path);
  if (id2label === undefined) {
    return count === undefined
      ? undefined
      : Array.from({ length: count }, (_, id) => `LABEL_${id}`);
  }
  const size = Object.keys(id2label).length;
  const names = Array.from({ length: size }, (_, id) => id2label[String(id)]);
  const known = names.filter((name) => name !== undefined);
  if (known.length < size) {
    const detail = `id2label lacks the number ${names.indexOf(undefined)} although it has ${size} entries`;
    throw new TeacherFileError('config.json', path, detail);
  }
  requireDistinct(known, `${path}: id2label`);
  return known;
}

async function readConfig(path: string): Promise<z.infer<typeof teacherConfigSchema>> {
  let json: unknown;
  try {
    json = JSON.parse(await readFile(path, 'utf8'));
  } catch (error) {
    const detail = error instanceof Error ? error.message : String(error);
    throw new TeacherFileError('config.json', path, detail);
  }
  const parsed = teacherConfigSchema.safeParse(json);
  if (parsed.success) return parsed.data;
  throw new TeacherFileError('config.json', path, z.prettifyError(parsed.error));
}

function requireDistinct(names: readonly string[], place: string): void {
  const repeated = names.find((name, id) => names.indexOf(name) !== id);
  if (repeated === undefined) return;
  throw new ClassNamesError(
    `${place}: "${repeated}" stands twice`,
    'give every class a name of its own',
  );
}

function requireSameSet(configured: readonly string[], teacher: readonly string[]): void {
  const unknown = configured.filter((name) => !teacher.includes(name));
  const missing = teacher.filter((name) => !configured.includes(name));
  if (unknown.length === 0 && missing.length === 0) return;
  const parts = [
    ...unknown.map((name) => `"${name}" is no class of the teacher${hint(name, teacher)}`),
    ...missing.map((name) => `"${name}" is missing`),
  ];
  throw new ClassNamesError(
    `corpus.classNames differs from id2label of the teacher: ${parts.slice(0, 5).join('; ')}`,
    'write the names of the teacher, in any order, or leave corpus.classNames out',
  );
}

function hint(name: string, known: readonly string[]): string {
  const nearest = nearestName(name, known);
  return nearest === undefined ? '' : ` (nearest: "${nearest}")`;
}

function numberedLabels(count: number): [string, number][] {
  return Array.from({ length: count }, (_, id) => id).flatMap((id): [string, number][] => [
    [String(id), id],
    [`LABEL_${id}`, id],
  ]);
}

const teacherConfigSchema = z.looseObject({
  id2label: z.record(z.string(), z.string()).optional(),
  num_labels: z.int().min(1).optional(),
});
