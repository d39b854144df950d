import { type Artifact, outputFolder } from '#cache/artifact-store.ts';
import { readTokens } from '#datasets/tokens/tokens.ts';
import { studentInstance } from '#pipeline/config/auto-student.ts';
import { type CorpusSplit, readCorpusSplit, textNotes } from '#pipeline/labels/corpus-split.ts';
import {
  type CsvTable,
  looksLikeFormula,
  nameFor,
  requireFree,
  rounded,
  writeCsv,
} from '#pipeline/labels/csv-file.ts';
import { requireArtifact, studentNamed } from '#pipeline/labels/made-already.ts';
import { requireOneClass } from '#pipeline/labels/one-class.ts';
import { type Question, worthAsking } from '#pipeline/labels/worth-asking.ts';
import {
  freshArtifacts,
  openProject,
  type Project,
  type ProjectOptions,
} from '#pipeline/project.ts';
import { type Opinion, studentOpinion, teacherOpinion } from '#stages/students/opinions.ts';

export interface LabelsAskOptions extends ProjectOptions {
  readonly n: number;
  readonly by: 'teacher' | 'student';
  readonly student?: string;
  readonly perClass?: number;
  readonly output?: string;
}

/** `decant labels ask`: unlabelled train rows that are worth a label. */
export async function labelsAskCommand(options: LabelsAskOptions): Promise<number> {
  requireFree(options.output);
  const project = openProject(options);
  requireOneClass(project);
  const fresh = await freshArtifacts(project);
  const prepare = requireArtifact(fresh, 'prepare');
  const corpus = await readCorpusSplit(prepare, 'train');
  const unlabelled = [...corpus.examples.keys()].filter((id) => !corpus.gold.has(id));
  const opinion = await opinionOf(project, fresh, options);
  const tokens = await readTokens(outputFolder(prepare.folder, 'tokens/student/train'));
  const rules = { count: options.n, perClass: options.perClass };
  const questions = worthAsking(unlabelled, opinion, tokens, rules);
  const { columns } = project.loaded.config.corpus;
  const table = corpus.hasTexts
    ? corpusTable(questions, corpus, columns)
    : correctionsTable(questions, corpus);
  await writeCsv(options.output, table);
  const lines = [
    `${unlabelled.length.toLocaleString('en-US')} train rows have no label; ${questions.length} of those that the ${options.by} doubts most are listed`,
    ...textNotes(corpus),
    ...formulaNotes(questions, corpus),
    corpus.hasTexts
      ? `fill in ${[columns.label].flat()[0]}, then add ${nameFor(options.output)} to corpus.train`
      : `fill in corrected_label, then set corpus.corrections: ${nameFor(options.output)}`,
  ];
  process.stderr.write(`${lines.join('\n')}\n`);
  return 0;
}

async function opinionOf(
  project: Project,
  fresh: ReadonlyMap<string, Artifact>,
  { by, student }: LabelsAskOptions,
): Promise<Opinion> {
  if (by === 'teacher') {
    return teacherOpinion(outputFolder(requireArtifact(fresh, 'soft-label').folder, 'rows/train'));
  }
  const instance = studentInstance(project.loaded.config, studentNamed(project, student));
  const { folder } = requireArtifact(fresh, instance);
  return studentOpinion(outputFolder(folder, 'predictions'), 'train');
}

/** A corpus file as it is: an example is known by its text, so not a character of it may change. */
function corpusTable(
  questions: readonly Question[],
  { examples, classNames }: CorpusSplit,
  names: Project['loaded']['config']['corpus']['columns'],
): CsvTable {
  const pairs = names.textPair === undefined ? [] : [names.textPair];
  return {
    columns: [
      names.id,
      names.text ?? 'text',
      ...pairs,
      [names.label].flat()[0] ?? 'label',
      'predicted_label',
      'margin',
    ],
    rows: questions.map(({ exampleId, predictedId, margin }) => {
      const example = examples.get(exampleId);
      const pair = pairs.map(() => example?.textPair ?? '');
      const told = [classNames[predictedId] ?? '', rounded(margin)];
      return [example?.sourceId ?? '', example?.text ?? '', ...pair, '', ...told];
    }),
    isSpreadsheetSafe: false,
  };
}

/** Without texts the rows come back as corrections, by example id. */
function correctionsTable(
  questions: readonly Question[],
  { examples, classNames }: CorpusSplit,
): CsvTable {
  return {
    columns: ['example_id', 'source_id', 'predicted_label', 'margin', 'corrected_label'],
    rows: questions.map(({ exampleId, predictedId, margin }) => {
      const sourceId = examples.get(exampleId)?.sourceId ?? '';
      return [exampleId, sourceId, classNames[predictedId] ?? '', rounded(margin), ''];
    }),
    isSpreadsheetSafe: true,
  };
}

function formulaNotes(questions: readonly Question[], { examples }: CorpusSplit): string[] {
  const texts = questions.map(({ exampleId }) => examples.get(exampleId)?.text ?? '');
  const count = texts.filter(looksLikeFormula).length;
  if (count === 0) return [];
  return [`${count} texts begin like a formula: import the file into a spreadsheet as text`];
}
