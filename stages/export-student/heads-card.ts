import { type AnyMetrics, isOfValues } from '#datasets/metrics/metrics.ts';
import { FIGURE_NAMES, shownFigure } from '#datasets/metrics/value-metrics.ts';
import { plain, shownShare } from './card-text.ts';
import type { LeadFigure } from './validation-figure.ts';
import { measuredValues } from './value-card.ts';

/** What the card tells of a further head of the student. */
export interface HeadFacts {
  readonly name: string;
  readonly classNames: readonly string[];
  /** Of the head's own test rows. */
  readonly metrics: AnyMetrics;
  /** The figure that leads its task, on its validation rows. */
  readonly validation: LeadFigure;
  /** Between the trainer's logits and those of the exported graph. */
  readonly maxDifference: number;
  readonly teacherLicense?: string | undefined;
  readonly corpusLicense?: string | undefined;
}

/** A table for heads with the same figures, a row a head; nothing of a student with one task. */
export function headsSection(heads: readonly HeadFacts[]): string {
  const [first] = heads;
  if (first === undefined) return '';
  const classes = heads.map(
    ({ name, classNames }) => `- \`${name}\`: ${classNames.map(plain).join(', ')}`,
  );
  const difference = Math.max(...heads.map(({ maxDifference }) => maxDifference));
  return `## Further tasks

The same encoder answers these tasks too, each measured on test rows of its own. The figures above are of its first task. transformers loads that one; the weights of the others are in \`heads.safetensors\`, and \`onnx/model.onnx\` has an output for each (\`decant.heads\` of config.json names it), equal to the trainer's within ${difference.toExponential(1)}.

${tables(heads).join('\n\n')}

${classes.join('\n')}

\`\`\`
npx decant predict --student . --head ${first.name}
\`\`\`

`;
}

function tables(heads: readonly HeadFacts[]): string[] {
  const rowsOf = new Map<string, string[]>();
  for (const { name, classNames, metrics, validation } of heads) {
    const { value } = validation;
    const onValidation = value === null ? 'not measured' : shownFigure(validation.name, value);
    const lead = FIGURE_NAMES[validation.name] ?? validation.name;
    const figures = [...figuresOf(metrics), [`${lead}, validation`, onValidation]];
    const columns = ['head', 'classes', 'test rows', ...figures.map(([column]) => column)];
    const title = `| ${columns.join(' | ')} |\n|${'---|'.repeat(columns.length)}`;
    const rows = metrics.rows.toLocaleString('en-US');
    const cells = [`\`${name}\``, classNames.length, rows, ...figures.map(([, value]) => value)];
    rowsOf.set(title, [...(rowsOf.get(title) ?? []), `| ${cells.join(' | ')} |`]);
  }
  return [...rowsOf].map(([title, rows]) => [title, ...rows].join('\n'));
}

function figuresOf(metrics: AnyMetrics): [column: string, value: string][] {
  if (isOfValues(metrics)) return measuredValues(metrics);
  const { accuracy, macroF1, agreement, expectedCalibrationError } = metrics;
  return [
    ['accuracy', shownShare(accuracy)],
    ['macro-F1', shownShare(macroF1)],
    ['agreement with its teacher', shownShare(agreement)],
    ['calibration error', shownShare(expectedCalibrationError)],
  ];
}
