/** What teacher and student say of one train row. Confidences are calibrated: how often such a claim is right. */
export interface Opinions {
  readonly teacherId: number;
  readonly teacherConfidence: number;
  readonly studentId: number;
  readonly studentConfidence: number;
}

/** What becomes of a row; only `filled` rows get a label. */
export type Decision = 'kept-gold' | 'disagreed' | 'below-confidence' | 'filled';

/**
 * fill-unlabelled: a gold label is never touched; a row without one gets the class that both put
 * first, if each of them is right at least `minConfidence` of the time when it is this sure.
 */
export function fillUnlabelled(
  opinions: Opinions,
  { hasGold, minConfidence }: { hasGold: boolean; minConfidence: number },
): Decision {
  if (hasGold) return 'kept-gold';
  if (opinions.teacherId !== opinions.studentId) return 'disagreed';
  const weaker = Math.min(opinions.teacherConfidence, opinions.studentConfidence);
  return weaker >= minConfidence ? 'filled' : 'below-confidence';
}
