import type { HardRelabelConfig } from './settings.ts';

/** What is known of one train row. Confidences are calibrated: how often such a claim is right. */
export interface RowEvidence {
  readonly exampleId: string;
  readonly goldId: number | null;
  /** Whether the student has learned without this row. */
  readonly fold: number | null;
  readonly teacherId: number;
  readonly teacherConfidence: number;
  readonly studentId: number;
  readonly studentConfidence: number;
  /** Of confident-learning and label-odds: the class that speaks against the label. */
  readonly doubt: Doubt | null;
}

export interface Doubt {
  readonly suggestedId: number;
  /** Calibrated. */
  readonly confidence: number;
}

/** What becomes of a row: a label and why, or why none. */
export type Decision =
  | {
      readonly type: 'filled' | 'changed';
      readonly labelId: number;
      /** Of the weaker witness. */
      readonly confidence: number;
      readonly reason: Reason;
    }
  | { readonly type: 'kept-gold' | 'disagreed' | 'below-confidence' };

export type Reason =
  | 'teacher-and-student-agree'
  | 'teacher-confident'
  | 'teacher-and-left-out-student-agree'
  | 'confident-learning'
  | 'label-odds';

/** Decides about one row; a gold label stays where nothing out of fold speaks against it. */
export function decide(row: RowEvidence, config: HardRelabelConfig): Decision {
  return row.goldId === null ? fill(row, config) : change(row, row.goldId, config);
}

function fill(row: RowEvidence, { policy, minConfidence }: HardRelabelConfig): Decision {
  const { teacherId: labelId, teacherConfidence, studentId, studentConfidence } = row;
  if (policy === 'teacher-confident') {
    return teacherConfidence >= minConfidence
      ? { type: 'filled', labelId, confidence: teacherConfidence, reason: 'teacher-confident' }
      : { type: 'below-confidence' };
  }
  if (labelId !== studentId) return { type: 'disagreed' };
  const confidence = Math.min(teacherConfidence, studentConfidence);
  return confidence >= minConfidence
    ? { type: 'filled', labelId, confidence, reason: 'teacher-and-student-agree' }
    : { type: 'below-confidence' };
}

function change(
  row: RowEvidence,
  goldId: number,
  { policy, minConfidence }: HardRelabelConfig,
): Decision {
  const { fold, teacherId, studentId, doubt } = row;
  const kept = { type: 'kept-gold' } as const;
  if (policy === 'fill-unlabelled' || fold === null) return kept;
  if (policy === 'confident-learning' || policy === 'label-odds') {
    // Odds are doubts only where minConfidence of such changes are right.
    const least = policy === 'label-odds' ? 0 : minConfidence;
    if (doubt === null || doubt.confidence < least) return kept;
    const { suggestedId: labelId, confidence } = doubt;
    return { type: 'changed', labelId, confidence, reason: policy };
  }
  if (teacherId === goldId || teacherId !== studentId) return kept;
  const confidence = Math.min(row.teacherConfidence, row.studentConfidence);
  if (confidence < minConfidence) return kept;
  const reason = 'teacher-and-left-out-student-agree';
  return { type: 'changed', labelId: teacherId, confidence, reason };
}
