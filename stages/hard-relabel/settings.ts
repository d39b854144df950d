import { z } from 'zod';

/** Which rows get which label. */
export const POLICIES = [
  'fill-unlabelled',
  'teacher-confident',
  'confident-learning',
  'label-odds',
] as const;

/** Those that change gold labels by probabilities of who has not learned them. */
const NEEDS_FOLDS: readonly string[] = ['confident-learning', 'label-odds'];

/** Settings of `hard-relabel`. */
export const hardRelabelConfig = z
  .strictObject({
    policy: z
      .enum(POLICIES)
      .default('fill-unlabelled')
      .describe(
        'fill-unlabelled: rows without gold on which teacher and student agree. teacher-confident: the teacher alone fills them, and with folds changes gold labels that the left-out student contradicts too. confident-learning: as fill-unlabelled, and with folds changes gold labels that are confidently counted as of another class (Northcutt et al. 2021). label-odds: as fill-unlabelled, and with folds changes gold labels against which another class is so much likelier that minConfidence of such changes are right, reckoned on validation rows with wrong labels at the estimated rate.',
      ),
    minConfidence: z
      .number()
      .min(0)
      .max(1)
      .default(0.9)
      .describe(
        'Calibrated confidence that a label needs: how often such a claim was right on labelled validation rows. Where two must agree, both need it.',
      ),
    folds: z
      .int()
      .min(2)
      .max(20)
      .optional()
      .describe(
        'Trains the student so many times, each time without one part of the rows, and asks about that part. A gold label is changed on such evidence only. Left out: gold labels stay.',
      ),
    evidence: z
      .enum(['teacher-and-student', 'student'])
      .optional()
      .describe(
        'Of confident-learning and label-odds, whose probabilities count. student: for a teacher that was trained on these very labels, as the head of teacher.embeddings always is. Default: the mean of both.',
      ),
    maxChanged: z
      .number()
      .gt(0)
      .max(1)
      .optional()
      .describe('Largest share of all gold labels that is changed. Default: 0.4.'),
    maxPerClass: z
      .number()
      .gt(0)
      .max(1)
      .optional()
      .describe(
        "Largest share of one class' gold labels that is changed, and of the filled rows that one class gets. Default: 0.6 of the changes, no limit for filled rows.",
      ),
  })
  .refine(({ policy, folds }) => !NEEDS_FOLDS.includes(policy) || folds !== undefined, {
    path: ['folds'],
    message:
      'confident-learning and label-odds change gold labels, and a student that has learned them is no witness: set folds, such as 5',
  })
  .refine(({ policy, evidence }) => NEEDS_FOLDS.includes(policy) || evidence === undefined, {
    path: ['evidence'],
    message: 'belongs to policy: confident-learning and label-odds',
  });

export type HardRelabelConfig = z.infer<typeof hardRelabelConfig>;

export const DEFAULT_MAX_CHANGED = 0.4;
export const DEFAULT_MAX_CHANGED_PER_CLASS = 0.6;
