import type { Findings } from './findings.ts';

/** A way to use the cache: which students are trained, and why. */
export interface Recipe {
  readonly name: 'few-labels' | 'classification';
  readonly description: string;
  /** The sections `variants` and, where it is needed, `hard-relabel`, with their comments. */
  readonly sections: string;
}

const GOLD_ONLY = `variants:
  # The yardstick: the same student without a teacher.
  gold-only: { softLossWeight: 0, hardLossWeight: 1 }
  # Learns what the teacher says about all rows, and a little from the labels.
  distilled: { temperature: 2, softLossWeight: 0.9, hardLossWeight: 0.1 }
`;

const FEW_LABELS: Recipe = {
  name: 'few-labels',
  description: 'few rows have a label: the teacher speaks for the others',
  sections: `# One student a line, all from the one cache and for the same number of steps.
${GOLD_ONLY}  # Goes on from distilled with the labels that hard-relabel gives to rows without one.
  relabelled: { initFrom: distilled, labels: hard-relabel }

# A row gets a label where teacher and student agree and both are right this often when they are
# this sure (measured on validation rows). Labels of people are never changed.
hard-relabel: { student: distilled, policy: fill-unlabelled, minConfidence: 0.9 }
`,
};

const CLASSIFICATION: Recipe = {
  name: 'classification',
  description: 'nearly all rows have a label: the teacher says how sure one may be',
  sections: `# One student a line, all from the one cache and for the same number of steps.
${GOLD_ONLY}`,
};

/** All recipes by name. */
export const recipes: readonly Recipe[] = [FEW_LABELS, CLASSIFICATION];

/** The recipe that suits the share of rows without a label. */
export function suitableRecipe({ rows, labelled, task }: Findings): Recipe {
  // Words are not relabelled.
  if (task === 'token-classification') return CLASSIFICATION;
  return labelled < MOSTLY_LABELLED * rows ? FEW_LABELS : CLASSIFICATION;
}

const MOSTLY_LABELLED = 0.9;
