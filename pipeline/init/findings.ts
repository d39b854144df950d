import { basename, dirname } from 'node:path';
import { Failure } from '#cache/failure.ts';
import { isConllFile } from '#datasets/corpus/open-words.ts';
import { guessRoles, type Roles } from './roles.ts';
import { siblingsOf } from './siblings.ts';
import { type FileSurvey, surveyFile, surveyTexts, type TextSurvey } from './survey.ts';
import { findTeacher, surveyTeacher, type TeacherSurvey } from './teacher.ts';

/** What the command line says beside the file; the rest is found. */
export interface InitRequest {
  readonly file: string;
  readonly teacher?: string | undefined;
  readonly validation?: string | undefined;
  readonly test?: string | undefined;
}

/** Everything that `init` has learnt about a person's data. */
export interface Findings {
  /** Left out where it is classification. */
  readonly task?: 'token-classification';
  readonly roles: Roles;
  /** The user's file, then files without labels beside it. */
  readonly train: readonly FileSurvey[];
  readonly validation?: FileSurvey;
  readonly test: FileSurvey;
  readonly texts: TextSurvey;
  readonly teacher: TeacherSurvey;
  /** Rows of train, and how many of them carry a label. */
  readonly rows: number;
  readonly labelled: number;
  /** Label -> rows of train; empty when there are none, or far too many. */
  readonly labels: ReadonlyMap<string, number>;
  /** What a person should know, in sentences. */
  readonly notes: readonly string[];
}

export class EmptyFileError extends Failure {
  constructor(path: string, rejects: number) {
    super(
      'data',
      'E_INIT_EMPTY',
      `${path}: no readable row${rejects === 0 ? '' : `, ${rejects} unreadable ones`}`,
      'name a file with a header line (CSV, TSV) or with one JSON object a line',
    );
  }
}

export class NoTestRowsError extends Failure {
  constructor(file: string) {
    super(
      'usage',
      'E_INIT_TEST',
      `there is no test file beside ${basename(file)}: without rows that nothing learns from no figure means anything`,
      'name one with --test FILE, or let init put a fifth of the labelled rows aside: --hold-out 0.2',
    );
  }
}

/** Looks at a file, at its siblings and at the teacher. Reads only. */
export async function lookAt(request: InitRequest): Promise<Findings> {
  const { file } = request;
  const siblings = siblingsOf(file);
  const own = await surveyFile(file);
  if (own.rows === 0) throw new EmptyFileError(file, own.rejects);
  const roles = guessRoles(own);
  const testFile = request.test ?? siblings.test;
  if (testFile === undefined) throw new NoTestRowsError(file);
  const teacherPath = findTeacher(request.teacher, [dirname(file), process.cwd()]);
  const notes: string[] = [];
  const readable = async (path: string) => {
    if (isConllFile(path) !== isConllFile(file)) {
      notes.push(`${basename(path)} is left out: texts and words do not go together`);
      return [];
    }
    const survey = await surveyFile(path);
    if (hasText(survey, roles)) return [survey];
    notes.push(`${basename(path)} is left out: it has no column "${roles.text}"`);
    return [];
  };
  const validationFile = request.validation ?? siblings.validation;
  const [validation] = validationFile === undefined ? [] : await readable(validationFile);
  const [test] = await readable(testFile);
  if (test === undefined) throw new NoTestRowsError(file);
  const unlabelled = (await Promise.all(siblings.unlabelled.map(readable))).flat();
  const train = [own, ...unlabelled];
  const textColumns = [roles.text, ...(roles.textPair === undefined ? [] : [roles.textPair])];
  const texts = await surveyTexts(train, textColumns);
  const teacher = await surveyTeacher(teacherPath, texts.sample);
  const labels = labelsOf(own, roles);
  notes.push(...noteLabels(labels, teacher));
  return {
    ...(isConllFile(file) && { task: 'token-classification' }),
    roles,
    train,
    test,
    texts,
    teacher,
    labels,
    notes,
    ...(validation && { validation }),
    rows: train.reduce((sum, { rows }) => sum + rows, 0),
    labelled: train.reduce((sum, survey) => sum + labelledIn(survey, roles), 0),
  };
}

/** Rows of a file that carry a label. */
export function labelledIn({ columns }: FileSurvey, { label }: Roles): number {
  return columns.find(({ name }) => name === label)?.filled ?? 0;
}

function hasText({ columns }: FileSurvey, { text }: Roles): boolean {
  return columns.some(({ name, filled }) => name === text && filled > 0);
}

function labelsOf({ columns }: FileSurvey, { label }: Roles): ReadonlyMap<string, number> {
  return columns.find(({ name }) => name === label)?.values ?? new Map();
}

function noteLabels(labels: ReadonlyMap<string, number>, { classes }: TeacherSurvey): string[] {
  const strange = [...labels.keys()].filter((label) => !classes.idOfLabel.has(label));
  if (strange.length === 0) return [];
  const some = strange.slice(0, 3).map((label) => `"${label}"`);
  return [
    `${strange.length} of ${labels.size} labels are no class of the teacher (${some.join(', ')}${strange.length > 3 ? ', ...' : ''}): prepare will refuse them; rename them, or name the teacher's outputs with corpus.classNames`,
  ];
}
