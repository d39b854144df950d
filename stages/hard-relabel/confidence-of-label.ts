import { inputOf } from '#stages/folders.ts';
import type { StageContext } from '#stages/stage.ts';
import { type Opinion, studentOpinion, teacherOpinion } from '#stages/students/opinions.ts';
import type { Calibration } from './calibration.ts';
import type { Proposal } from './caps.ts';
import type { Evidence } from './evidence.ts';
import type { RowEvidence } from './policy.ts';
import type { HardRelabelConfig } from './settings.ts';

/** How likely each witness finds the label that a row gets, calibrated. */
export interface LabelConfidence {
  readonly teacher: number;
  readonly student: number;
}

/**
 * The confidence of both witnesses in the label of each proposal, in the order given. All probabilities are read only
 * where a witness puts another class first.
 */
export async function confidencesOf(
  context: StageContext<HardRelabelConfig>,
  { witness, teacher, student }: Evidence,
  proposals: readonly Proposal[],
): Promise<LabelConfidence[]> {
  const differs = (idOf: (row: RowEvidence) => number) =>
    proposals.some(({ row, decision }) => idOf(row) !== decision.labelId);
  const ofTeacher = differs(({ teacherId }) => teacherId)
    ? await teacherOpinion(inputOf(context, 'rows/train'))
    : undefined;
  const ofStudents = new Map<string, Opinion>();
  if (differs(({ studentId }) => studentId)) {
    for (const folder of witness.folders) {
      ofStudents.set(folder, await studentOpinion(folder, 'train'));
    }
  }
  return proposals.map(({ row, decision: { labelId } }) => {
    const { exampleId, teacherId, studentId } = row;
    const opinionOfStudent = ofStudents.get(witness.folderOf(exampleId));
    return {
      teacher:
        teacherId === labelId
          ? row.teacherConfidence
          : confidenceIn(labelId, probabilitiesIn(ofTeacher, exampleId), teacher),
      student:
        studentId === labelId
          ? row.studentConfidence
          : confidenceIn(labelId, probabilitiesIn(opinionOfStudent, exampleId), student),
    };
  });
}

function probabilitiesIn(opinion: Opinion | undefined, exampleId: string): Float64Array {
  const probabilities = opinion?.probabilities(exampleId);
  if (probabilities === undefined) throw new RangeError(`no opinion of example ${exampleId}`);
  return probabilities;
}

/**
 * Calibrated probability of one class. Claims are calibrated for the class that a witness puts first; what this
 * leaves is shared by the others as the witness shares it, so that all classes sum to 1.
 */
export function confidenceIn(
  classId: number,
  probabilities: Float64Array,
  { accuracyAt }: Pick<Calibration, 'accuracyAt'>,
): number {
  const highest = Math.max(...probabilities);
  const first = accuracyAt(highest);
  if (probabilities.indexOf(highest) === classId) return first;
  const others = 1 - highest;
  return others <= 0 ? 0 : ((1 - first) * (probabilities[classId] ?? 0)) / others;
}
