import { readCorrections } from '#datasets/corpus/corrections.ts';
import type { Split, StoredExample } from '#datasets/example.ts';
import { goldClasses } from '#datasets/gold-classes.ts';
import { readLabels } from '#datasets/labels.ts';
import { doubtfulLabels } from '#stages/numerics/doubtful-labels.ts';
import type { StageContext } from '#stages/stage.ts';
import { meanOf, studentOpinion, teacherOpinion } from '#stages/students/opinions.ts';
import type { ReportConfig } from './config.ts';
import { textsUnder } from './texts.ts';

/** Labels of one split that teacher and exported student doubt. */
export interface DoubtedLabels {
  readonly split: Split;
  readonly labelled: number;
  readonly doubted: number;
  /** The worst of them, worst first. */
  readonly worst: readonly DoubtedLabel[];
}

export interface DoubtedLabel {
  readonly exampleId: string;
  /** Null where texts are not to be shown. */
  readonly text: string | null;
  readonly gold: string;
  readonly suggested: string;
  /** p(gold) - p(suggested), -1 to 1. */
  readonly margin: number;
}

/**
 * Labels to review, in the order of `decant labels review`: on validation and test, which neither model has learned,
 * without the rows that corpus.corrections has decided. A split whose soft labels are not there is left out.
 */
export async function readDoubts(
  context: StageContext<ReportConfig>,
  student: string,
  classNames: readonly string[],
  examples: Readonly<Record<'validation' | 'test', readonly StoredExample[]>>,
): Promise<DoubtedLabels[]> {
  const { inputs, files, config } = context;
  const decided = (await readCorrections(files['corrections'] ?? [])).byExample;
  const found: DoubtedLabels[] = [];
  for (const split of ['validation', 'test'] as const) {
    const [rows, labels] = [inputs[`rows/${split}`], inputs[`labels/${split}`]];
    const said = inputs[split === 'test' ? `predictions.${student}` : 'predictions/validation'];
    if (rows === undefined || labels === undefined || said === undefined) continue;
    const gold = goldClasses(await readLabels(labels));
    for (const exampleId of decided.keys()) gold.delete(exampleId);
    const opinion = meanOf([await teacherOpinion(rows), await studentOpinion(said, split)]);
    const { doubtful } = doubtfulLabels(gold, opinion, classNames.length);
    const textOf = textsUnder(config.texts, examples[split]);
    const nameOf = (classId: number) => classNames[classId] ?? String(classId);
    found.push({
      split,
      labelled: gold.size,
      doubted: doubtful.length,
      worst: doubtful.slice(0, SHOWN).map(({ exampleId, goldId, suggestedId, margin }) => ({
        exampleId,
        text: textOf(exampleId),
        gold: nameOf(goldId),
        suggested: nameOf(suggestedId),
        margin,
      })),
    });
  }
  return found;
}

const SHOWN = 5;
