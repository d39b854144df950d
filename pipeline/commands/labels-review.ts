import { resolve } from 'node:path';
import { type Artifact, outputFolder } from '#cache/artifact-store.ts';
import { readCorrections } from '#datasets/corpus/corrections.ts';
import type { Split } from '#datasets/example.ts';
import { studentInstance } from '#pipeline/config/auto-student.ts';
import { type CorpusSplit, readCorpusSplit, textNotes } from '#pipeline/labels/corpus-split.ts';
import {
  type CsvTable,
  nameFor,
  requireFree,
  rounded,
  writeCsv,
} from '#pipeline/labels/csv-file.ts';
import { requireArtifact, studentNamed } from '#pipeline/labels/made-already.ts';
import { requireOneClass } from '#pipeline/labels/one-class.ts';
import {
  freshArtifacts,
  openProject,
  type Project,
  type ProjectOptions,
} from '#pipeline/project.ts';
import { type DoubtfulLabel, doubtfulLabels } from '#stages/numerics/doubtful-labels.ts';
import { meanOf, type Opinion, studentOpinion, teacherOpinion } from '#stages/students/opinions.ts';

export interface LabelsReviewOptions extends ProjectOptions {
  readonly split: Split;
  readonly limit: number;
  readonly student?: string;
  readonly output?: string;
}

/** `decant labels review`: labelled rows whose label looks wrong, to be corrected and fed back. */
export async function labelsReviewCommand(options: LabelsReviewOptions): Promise<number> {
  requireFree(options.output);
  const project = openProject(options);
  requireOneClass(project);
  const fresh = await freshArtifacts(project);
  const corpus = await readCorpusSplit(requireArtifact(fresh, 'prepare'), options.split);
  const panel = await panelOf(project, fresh, options);
  const decided = await decidedExamples(project);
  const gold = new Map([...corpus.gold].filter(([exampleId]) => !decided.has(exampleId)));
  const opinion = meanOf(panel.map((one) => one.opinion));
  const { doubtful } = doubtfulLabels(gold, opinion, corpus.classNames.length);
  const shown = doubtful.slice(0, options.limit);
  await writeCsv(options.output, reviewTable(shown, corpus, panel));
  const lines = [
    `${gold.size.toLocaleString('en-US')} labelled ${options.split} rows; labels doubted by ${panel.map(({ name }) => name).join(' and ')}: ${doubtful.length}, shown: ${shown.length}`,
    ...(options.split === 'train' ? [OF_TRAIN] : []),
    ...textNotes(corpus),
    `fill in corrected_label (where the label is right: the label itself), then set corpus.corrections: ${nameFor(options.output)}`,
  ];
  // Not stdout: that is the table, where no file is named.
  process.stderr.write(`${lines.join('\n')}\n`);
  return 0;
}

/** A model that is asked, by the name of its columns. */
interface Judge {
  readonly name: string;
  readonly opinion: Opinion;
}

/** The teacher, and a student on rows that it was not trained on. */
async function panelOf(
  project: Project,
  fresh: ReadonlyMap<string, Artifact>,
  { split, student: named }: LabelsReviewOptions,
): Promise<Judge[]> {
  const teacher = await teacherOpinion(
    outputFolder(requireArtifact(fresh, 'soft-label').folder, `rows/${split}`),
  );
  const judges: Judge[] = [{ name: 'teacher', opinion: teacher }];
  if (split === 'train') return judges;
  const name = studentNamed(project, named);
  const instance =
    split === 'test' ? `evaluate:${name}` : studentInstance(project.loaded.config, name);
  // Nobody has to train a student first; but one that is named has to be there.
  const artifact = named === undefined ? fresh.get(instance) : requireArtifact(fresh, instance);
  if (artifact === undefined) return judges;
  const folder = outputFolder(artifact.folder, 'predictions');
  return [...judges, { name, opinion: await studentOpinion(folder, split) }];
}

function reviewTable(
  shown: readonly DoubtfulLabel[],
  { examples, classNames }: CorpusSplit,
  panel: readonly Judge[],
): CsvTable {
  const nameOf = (classId: number) => classNames[classId] ?? String(classId);
  const columns: readonly Column[] = [
    ['example_id', ({ exampleId }) => exampleId],
    ['source_id', ({ exampleId }) => examples.get(exampleId)?.sourceId ?? ''],
    ['text', ({ exampleId }) => examples.get(exampleId)?.text ?? ''],
    ['text_pair', ({ exampleId }) => examples.get(exampleId)?.textPair ?? ''],
    ['gold_label', ({ goldId }) => nameOf(goldId)],
    ['suggested_label', ({ suggestedId }) => nameOf(suggestedId)],
    ['margin', ({ margin }) => rounded(margin)],
    ['gold_probability', ({ goldProbability }) => rounded(goldProbability)],
    ['suggested_probability', ({ suggestedProbability }) => rounded(suggestedProbability)],
    ...panel.flatMap((judge) => verdictColumns(judge, nameOf)),
    ['corrected_label', () => ''],
  ];
  return {
    columns: columns.map(([name]) => name),
    rows: shown.map((row) => columns.map(([, cell]) => cell(row))),
    isSpreadsheetSafe: true,
  };
}

type Column = readonly [name: string, cell: (row: DoubtfulLabel) => string | number];

/** What one model would say by itself, and how sure it is. */
function verdictColumns({ name, opinion }: Judge, nameOf: (classId: number) => string): Column[] {
  const bestOf = (exampleId: string) => opinion.bestTwo(exampleId)?.classId ?? -1;
  const probability = ({ exampleId }: DoubtfulLabel) =>
    rounded(opinion.probabilities(exampleId)?.[bestOf(exampleId)]);
  return [
    [`${name}_label`, ({ exampleId }) => nameOf(bestOf(exampleId))],
    [`${name}_probability`, probability],
  ];
}

/** Examples that a person has already decided, one way or the other. */
async function decidedExamples({ loaded }: Project): Promise<Set<string>> {
  const { corrections = [] } = loaded.config.corpus;
  const paths = [corrections].flat().map((path) => resolve(loaded.folder, path));
  return new Set((await readCorrections(paths)).byExample.keys());
}

const OF_TRAIN =
  'the teacher may have learned from these very labels, and then it rarely doubts them';
