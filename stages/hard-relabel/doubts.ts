import { inputOf } from '#stages/folders.ts';
import { doubtfulLabels } from '#stages/numerics/doubtful-labels.ts';
import { leastShare, objection } from '#stages/numerics/label-odds.ts';
import type { StageContext } from '#stages/stage.ts';
import { meanOf, type Opinion, studentOpinion, teacherOpinion } from '#stages/students/opinions.ts';
import { calibrationOf, claimsOf } from './calibration.ts';
import type { Witness } from './evidence.ts';
import type { Guess } from './guesses.ts';
import type { Doubt } from './policy.ts';
import type { HardRelabelConfig } from './settings.ts';

type Probabilities = Pick<Opinion, 'probabilities'>;

/** Gold labels that are doubted, by example id; and the share of them that is wrong. */
export interface Doubts {
  readonly doubts: ReadonlyMap<string, Doubt>;
  readonly estimatedNoise: number | undefined;
}

/** Class of each labelled row of train and of validation. */
export interface KnownLabels {
  readonly gold: ReadonlyMap<string, number>;
  readonly known: ReadonlyMap<string, number>;
  readonly classNames: readonly string[];
}

/** Labels that speak against the probabilities of those who have not learned them. */
export async function doubtsOf(
  context: StageContext<HardRelabelConfig>,
  witness: Witness,
  { gold, known, classNames }: KnownLabels,
): Promise<Doubts> {
  const { policy, minConfidence, evidence = 'teacher-and-student' } = context.config;
  if (policy !== 'confident-learning' && policy !== 'label-odds') {
    return { doubts: new Map(), estimatedNoise: undefined };
  }
  const isBoth = evidence === 'teacher-and-student';
  const panel = async (split: 'train' | 'validation', student: Probabilities) =>
    isBoth ? meanOf([await teacherOpinion(inputOf(context, `rows/${split}`)), student]) : student;
  const onValidation: Probabilities[] = [];
  for (const folder of witness.folders) {
    onValidation.push(await panel('validation', await studentOpinion(folder, 'validation')));
  }
  const students = new Map<string, Opinion>();
  for (const folder of witness.folders) {
    students.set(folder, await studentOpinion(folder, 'train'));
  }
  const leftOut = {
    probabilities: (exampleId: string) =>
      students.get(witness.folderOf(exampleId))?.probabilities(exampleId),
  };
  const opinion = await panel('train', leftOut);
  const { doubtful, estimatedNoise } = doubtfulLabels(gold, opinion, classNames.length);
  if (policy === 'label-odds') {
    const share = shareFor(onValidation, known, {
      noise: estimatedNoise,
      precision: minConfidence,
    });
    return { doubts: objections(gold, opinion, share), estimatedNoise };
  }
  const claims = onValidation.flatMap((one) => claimsOf(bestGuesses(one, known.keys()), known));
  const worth = calibrationOf('student', claims);
  const doubts = doubtful.map(({ exampleId, suggestedId, suggestedProbability }) => {
    const confidence = worth.accuracyAt(suggestedProbability);
    return [exampleId, { suggestedId, confidence }] as const;
  });
  return { doubts: new Map(doubts), estimatedNoise };
}

/** How much has to speak against a label, by what the witnesses say of the first labelled validation rows. */
function shareFor(
  opinions: readonly Probabilities[],
  known: ReadonlyMap<string, number>,
  wanted: { readonly noise: number; readonly precision: number },
): number | null {
  const some = [...known].slice(0, MOST_ROWS);
  const rows = opinions.flatMap((opinion) =>
    some.flatMap(([exampleId, classId]) => {
      const probs = opinion.probabilities(exampleId);
      return probs === undefined ? [] : [{ probs, classId }];
    }),
  );
  return leastShare(rows, wanted);
}

/** Labels against which at least this share speaks, each with it as its confidence. */
function objections(
  gold: ReadonlyMap<string, number>,
  opinion: Probabilities,
  least: number | null,
): Map<string, Doubt> {
  const doubts = new Map<string, Doubt>();
  if (least === null) return doubts;
  for (const [exampleId, goldId] of gold) {
    const probs = opinion.probabilities(exampleId);
    const against = probs === undefined ? null : objection(probs, goldId);
    if (against === null || against.share < least) continue;
    doubts.set(exampleId, { suggestedId: against.suggestedId, confidence: against.share });
  }
  return doubts;
}

function bestGuesses(opinion: Probabilities, exampleIds: Iterable<string>): Map<string, Guess> {
  const guesses = new Map<string, Guess>();
  for (const exampleId of exampleIds) {
    const probs = opinion.probabilities(exampleId);
    if (probs === undefined) continue;
    const confidence = Math.max(...probs);
    guesses.set(exampleId, { classId: probs.indexOf(confidence), confidence });
  }
  return guesses;
}

/** Each is a claim with every class for its label: of 77 classes 77,000 a witness. */
const MOST_ROWS = 1000;
